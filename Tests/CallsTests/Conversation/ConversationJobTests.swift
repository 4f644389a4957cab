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
