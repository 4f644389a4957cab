import Agents
import Jobs
import Platform
import Postgres
import TestSupport
import Testing

@testable import Calls

@Suite("Turns as jobs")
struct ConversationJobTests {
    private func answer(_ scene: ConversationScene, _ job: ProcessConversation) async throws -> SpokenAnswer? {
        let id = try await scene.services.queue.enqueue(job, job.options)
        let result = try await scene.services.queue.result(of: id, within: .seconds(20))
        return try result?.result?.decode(SpokenAnswer.self)
    }

    @Test("A job's result is the answer of its turn, also for the turn that is enqueued again")
    func answers() async throws {
        let model = Scripts.booking()
        let scene = try await ConversationScene(model)
        try await withWorker(scene.services, of: ["turns": 8]) {
            let greeting = try await answer(scene, ProcessConversation(callID: scene.callID, turn: 1))
            #expect(greeting?.nextTurn == 2)
            let job = ProcessConversation(callID: scene.callID, turn: 2, speech: "Tomorrow", confidence: 0.9)
            let booked = try await answer(scene, job)
            #expect(booked?.say == "I've booked it.")
            let requests = model.requests.count
            #expect(try await answer(scene, job) == booked)
            #expect(model.requests.count == requests)
        }
        #expect(scene.calendar.insertions == 1)
    }

    @Test("What was said in a turn that can no longer be answered is kept, and so is the wish never to be called again")
    func unanswered() async throws {
        let model = Scripts.saying()
        let scene = try await ConversationScene(model)
        try await withWorker(scene.services, of: ["turns": 8]) {
            for (turn, words) in [(2, "Tell me about the price"), (4, "Never call me again")] {
                let job = ProcessConversation(callID: scene.callID, turn: turn, speech: words, confidence: 0.9)
                var options = job.options
                options.startWithin = .microseconds(1)
                let id = try await scene.services.queue.enqueue(job, options)
                let result = try await scene.services.queue.result(of: id, within: .seconds(20))
                #expect(result?.state == .expired)
            }
        }
        #expect(try await scene.transcript() == ["2 caller", "4 caller"])
        #expect(try await scene.count("calls", where: "do_not_call_requested AND NOT agent_ended") == 1)
        #expect(try await scene.count("do_not_call", where: "phone = '\(scene.phone)'") == 1)
        #expect(model.requests.isEmpty)
    }

    @Test("A turn of a call that there is not ends as failed, and says which")
    func fails() async throws {
        let scene = try await ConversationScene(Scripts.saying())
        try await withWorker(scene.services, of: ["turns": 8]) {
            let job = ProcessConversation(callID: 999_999, turn: 1)
            let id = try await scene.services.queue.enqueue(job, job.options)
            let result = try await scene.services.queue.result(of: id, within: .seconds(20))
            #expect(result?.state == .failed)
            #expect(result?.error?.contains("999999") == true)
        }
    }
}
