import Platform
import Synchronization
import Testing

@testable import Calls

@Suite("Gathering items into batches", .timeLimit(.minutes(1)))
struct GathererTests {
    private struct Refused: Error, Equatable { let item: Int }
    private struct Away: Error {}

    @Test("What comes during a batch goes together in the next, and each gets its own answer")
    func gathers() async throws {
        let batches = Mutex<[[Int]]>([])
        let (started, start) = AsyncStream.makeStream(of: Void.self)
        let (released, release) = AsyncStream.makeStream(of: Void.self)
        let run: @Sendable ([Int]) async -> [String] = { items in
            let isFirst = batches.withLock { batches in
                batches.append(items)
                return batches.count == 1
            }
            if isFirst {
                start.finish()
                for await _ in released {}
            }
            return items.map { "answer \($0)" }
        }
        let gatherer = Gatherer(atMost: 3, whenAnErrorMayBeOneItems: { _ in false }, run: run)
        async let first = gatherer.submit(0)
        for await _ in started {}
        let answers = try await withThrowingTaskGroup(of: (Int, String).self) { group in
            for item in 1...4 { group.addTask { (item, try await gatherer.submit(item)) } }
            while gatherer.waiting < 4 { await Task.yield() }
            release.finish()
            return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
        #expect(try await first == "answer 0")
        #expect(answers == [1: "answer 1", 2: "answer 2", 3: "answer 3", 4: "answer 4"])
        #expect(batches.withLock { $0.map(\.count) } == [1, 3, 1])
        #expect(try await gatherer.submit(5) == "answer 5", "it starts anew when all is done")
    }

    @Test("An item that is refused fails alone; when nothing can be done all fail at once")
    func failures() async throws {
        let runs = Mutex(0)
        let isAway = Mutex(false)
        let run: @Sendable ([Int]) async throws -> [Int] = { items in
            runs.withLock { $0 += 1 }
            if isAway.withLock({ $0 }) { throw Away() }
            if let bad = items.first(where: { $0 < 0 }) { throw Refused(item: bad) }
            return items
        }
        let gatherer = Gatherer(atMost: 10, whenAnErrorMayBeOneItems: { $0 is Refused }, run: run)
        func submit(_ items: [Int]) async -> [Int: Result<Int, any Error>] {
            await withTaskGroup(of: (Int, Result<Int, any Error>).self) { group in
                for item in items {
                    group.addTask {
                        do { return (item, .success(try await gatherer.submit(item))) } catch {
                            return (item, .failure(error))
                        }
                    }
                }
                return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
            }
        }
        let mixed = await submit([1, -2, 3])
        #expect(try mixed[1]?.get() == 1)
        #expect(try mixed[3]?.get() == 3)
        #expect(throws: Refused(item: -2)) { try mixed[-2]?.get() }

        isAway.withLock { $0 = true }
        runs.withLock { $0 = 0 }
        let away = await submit(Array(1...50))
        for (_, result) in away { #expect(throws: Away.self) { try result.get() } }
        #expect(runs.withLock { $0 } <= 50)
    }
}
