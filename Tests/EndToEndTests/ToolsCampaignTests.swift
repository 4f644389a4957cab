import Foundation
import HTTP
import Platform
import Postgres
import Simulators
import Synchronization
import TestSupport
import Testing

@Suite struct ToolsCampaignTests {
    private static let person = "+12125559999"
    private static let leads = 12

    /// Looks the caller up, says what it found, and puts them through to a person; all else as the usual model.
    @Sendable private static func answer(to prompt: ChatPrompt) -> ChatAnswer {
        guard prompt.responseSchema == nil, prompt.callableTools.contains(where: { $0.name == "find_customer" }) else {
            return SimulatedOpenAI.Configuration().answer(prompt)
        }
        guard prompt.messages.last?.role == "tool", let result = try? JSON(parsing: prompt.messages.last?.text ?? "")
        else { return ChatAnswer(calls: [.init("find_customer", ["number": "17"])]) }
        return ChatAnswer(
            text: "You are customer \(result["result"]?.string ?? "unknown"). I am connecting you.",
            calls: [.init("transfer_to_human", ["reason": "a customer"])])
    }

    @Test(
        "A campaign whose agent asks a service of the tools file and puts its callers through ends with every call settled"
    )
    func campaign() async throws {
        let asked = Mutex<[String]>([])
        let logger = Logger(label: "service", level: .error)
        let service = try HTTPServer(configuration: .init(), logger: logger) { request in
            asked.withLock { $0.append("\(request.path) \(request.headers["Authorization"] ?? "")") }
            return .json(["customer": ["name": "Ana"]])
        }
        let file = FileManager.default.temporaryDirectory.appending(path: "tools-\(UUID().uuidString).json")
        defer { try? FileManager.default.removeItem(at: file) }
        try Self.toolsFile(asking: service.port).write(to: file)
        var configuration = SimulatedProviders.Configuration()
        configuration.openAI.answer = Self.answer
        configuration.twilio.callsPerSecond = .infinity
        configuration.twilio.speed = .infinity
        configuration.twilio.callees = CalleeBook(
            assigned: [Self.person: Callee(.rambles)], shares: [.booksFirstSlot: 1])
        let rig = try await Rig.start(
            workers: 2, providers: configuration,
            environment: [
                "CALENDAR_PROVIDER": "local", "TOOLS_FILE": file.path, "TOOLS_ALLOWED_HOSTS": "127.0.0.0/8",
                "CRM_TOKEN": "of-the-crm", "TRANSFER_NUMBER": Self.person,
            ])
        let campaign = try await Campaign(in: rig, leads: Self.leads, maximumConcurrentCalls: 4)
        #expect(try await campaign.launch() == Self.leads)
        for try await unfinished in campaign.progress() where unfinished == 0 { break }

        #expect(asked.withLock { $0 } == Array(repeating: "/customers/17 Bearer of-the-crm", count: Self.leads))
        let calls = rig.providers.twilio.calls
        #expect(calls.count == Self.leads)
        for call in calls {
            #expect(call.transfers.map { "\($0.number) \($0.status)" } == ["\(Self.person) completed"])
            #expect(call.transcript.last?.text == "You are customer Ana. I am connecting you.")
        }
        #expect(rig.providers.twilio.applicationErrors.isEmpty, "no caller hears a provider's error message")
        let rows = try await rig.client.query(
            """
            SELECT string_agg(name, ',' ORDER BY id), bool_and(success) FROM tool_calls GROUP BY call_id
            """)
        let made = try rows.map { try $0.decode(String.self, Bool.self) }
        #expect(made.count == Self.leads && made.allSatisfy { $0 == ("find_customer,transfer_to_human", true) })
        #expect(!rig.log.contains("of-the-crm"))
        try await Invariants(rig: rig, campaign: campaign, areMeetingsInGoogle: false).check()
        await rig.stop()
        await service.stop(within: .zero)
    }

    private static func toolsFile(asking port: Int) throws -> Data {
        let usual = URL(filePath: TestDatabase.migrations).deletingLastPathComponent().appending(
            path: "data/tools.json")
        var file = try JSON(parsing: Data(contentsOf: usual)).object ?? [:]
        file["tools"] = [
            [
                "name": "find_customer", "description": "Finds a customer by number.",
                "parameters": [
                    "type": "object", "properties": ["number": ["type": "string"]], "required": ["number"],
                ],
                "url": .string("http://127.0.0.1:\(port)/customers/{number}"),
                "headers": ["Authorization": "Bearer ${CRM_TOKEN}"], "result": "$.customer.name",
            ]
        ]
        return JSON.object(file).data
    }
}
