import Agents
import Platform
import Postgres
import TestSupport
import Testing

@testable import Calls

/// What a call says of invitations, by what this installation can do.
@Suite("Whether the guest is told")
struct GuestInvitationTests {
    private static let local: [GuestInvitation] = [.mail, .none]

    /// A call whose calendar is local, with or without a mail server.
    private func scene(_ invitation: GuestInvitation, _ model: ScriptedModel) async throws -> (
        ConversationScene, CallServices
    ) {
        var options = ConversationScene.Options()
        options.hasMailer = invitation == .mail
        let scene = try await ConversationScene(model, options)
        var services = scene.services
        if invitation != .calendar { services.calendar = LocalCalendar() }
        #expect(services.invitation == invitation)
        return (scene, services)
    }

    private func tools(_ scene: ConversationScene, _ services: CallServices) async throws -> MeetingTools {
        MeetingTools(services: services, state: try #require(try await TurnRecords(services).load(scene.callID)))
    }

    @Test(
        "Booking, moving and cancelling answer with who tells the guest, and a mail goes out exactly when they say so",
        arguments: [(GuestInvitation.calendar, 0), (.mail, 3), (.none, 0)])
    func answers(_ invitation: GuestInvitation, _ mails: Int) async throws {
        let (scene, services) = try await scene(invitation, Scripts.saying())
        let arguments = try JSON(
            parsing: Scripts.arguments(["datetime": .string(BookedScene.wednesday("10:00"))]))
        let booked = try await BookMeetingTool(meetings: tools(scene, services)).execute(arguments)
        let again = try await BookMeetingTool(meetings: tools(scene, services)).execute(arguments)
        let moved = try await RescheduleMeetingTool(meetings: tools(scene, services)).execute([
            "datetime": .string(BookedScene.wednesday("11:30"))
        ])
        let cancelled = try await CancelMeetingTool(meetings: tools(scene, services)).execute([:])
        #expect(again == booked)
        for result in [booked, moved, cancelled] {
            #expect(result.success)
            #expect(result.value["invitation"]?.string == invitation.rawValue)
            let isSilent = result.value["message"]?.string?.contains("the guest gets no e-mail") == true
            #expect(isSilent == (invitation == .none))
        }
        #expect(try await scene.count("jobs", where: "kind = 'send_email'") == mails)
    }

    @Test(
        "The tools' descriptions promise an e-mail only where one goes out",
        arguments: [GuestInvitation.calendar, .mail, .none])
    func describes(_ invitation: GuestInvitation) async throws {
        let (scene, services) = try await scene(invitation, Scripts.saying())
        let meetings = try await tools(scene, services)
        let tools: [any Tool] = [
            BookMeetingTool(meetings: meetings), RescheduleMeetingTool(meetings: meetings),
            CancelMeetingTool(meetings: meetings),
        ]
        for tool in tools {
            #expect(tool.description.description.contains("by e-mail") == (invitation != .none), "\(tool.description)")
        }
        #expect(
            tools[0].description.description.contains("Nobody is sent an invitation") == (invitation == .none))
        #expect(meetings.confirmation.contains("e-mail") == (invitation != .none))
    }

    @Test("Where nobody is invited the words are not spoken, and the booking is; where a mail goes out they are")
    func speaks() async throws {
        for invitation in Self.local {
            let claim = "It is booked, and I've sent you an invitation."
            let (scene, services) = try await scene(invitation, Scripts.booking(claim))
            let job = ProcessConversation(
                callID: scene.callID, turn: 2, speech: "Tomorrow is fine", confidence: 0.9, providerCallID: "CA1")
            let reply = try await ConversationHandler(services).answer(job) { try await services.postgres.batch($1) }
            guard case .committed(let answer) = reply else {
                Issue.record("not answered")
                continue
            }
            let when: String = try await scene.value(
                "SELECT result->'meeting'->>'display' FROM tool_calls WHERE name = 'book_meeting'")
            #expect(answer.say == (invitation == .mail ? claim : Phrase.booked(when: when).text(in: .english)))
            #expect(try await scene.count("meetings", where: "status = 'confirmed'") == 1)
        }
    }

    @Test(
        "A model that insists on an invitation later is spoken over with what is so",
        arguments: [(true, Phrase.noInvitation), (false, .nothingBookedYet)])
    func insists(_ isBooked: Bool, _ phrase: Phrase) async throws {
        let claim = "You will receive an invitation."
        let booking = Scripts.booking()
        let model = ScriptedModel { request, _ in
            if case .user("Do I get a mail?") = request.messages.last(where: \.isUsers) {
                return ModelResponse(text: claim)
            }
            return try await booking.respond(to: request)
        }
        let (scene, services) = try await scene(.none, model)
        let questions = (isBooked ? ["Tomorrow is fine"] : []) + ["Do I get a mail?"]
        var said = ""
        for (index, question) in questions.enumerated() {
            let job = ProcessConversation(
                callID: scene.callID, turn: 2 + 2 * index, speech: question, confidence: 0.9, providerCallID: "CA1")
            let reply = try await ConversationHandler(services).answer(job) { try await services.postgres.batch($1) }
            guard case .committed(let answer) = reply else {
                Issue.record("not answered")
                return
            }
            said = answer.say
        }
        #expect(said == phrase.text(in: .english))
    }
}

extension Message {
    fileprivate var isUsers: Bool { if case .user = self { true } else { false } }
}
