import FoundationEssentials
import Platform
import Testing

@testable import Jobs

@Suite("Decisions of a worker")
struct DecisionTests {
    private let now = ContinuousClock.now

    @Test("Jobs that take long are claimed when a slot is free for them, and no earlier")
    func slowJobs() {
        var slots = QueueSlots(limit: 4)
        slots.becameHungry()
        #expect(slots.claim(at: now)?.count == 4)
        slots.claimed((0..<4).map { job($0) }, of: 4, at: now)
        for _ in 0..<4 { #expect(slots.start(at: now) != nil) }
        #expect(slots.claim(at: now) == nil)
        slots.freed(after: .seconds(1))
        #expect(slots.claim(at: now)?.count == 1)
    }

    @Test("Jobs that take microseconds are claimed ahead by the thousand, and again when half are left")
    func quickJobs() {
        var slots = QueueSlots(limit: 4)
        slots.becameHungry()
        _ = slots.claim(at: now)
        slots.claimed((0..<4).map { job($0) }, of: 4, at: now)
        for _ in 0..<4 {
            _ = slots.start(at: now)
            slots.freed(after: .microseconds(5))
        }
        #expect(slots.claim(at: now)?.count == 1004)
        slots.claimed((0..<1004).map { job($0) }, of: 1004, at: now)
        #expect(slots.claim(at: now) == nil)
        for _ in 0..<510 {
            _ = slots.start(at: now)
            slots.freed(after: .microseconds(5))
        }
        #expect(slots.claim(at: now)?.count == 510)
    }

    @Test("One slow job among quick ones ends the claiming ahead")
    func paceChanges() {
        var slots = QueueSlots(limit: 1)
        slots.becameHungry()
        _ = slots.claim(at: now)
        slots.claimed([job(1), job(2)], of: 1, at: now)
        _ = slots.start(at: now)
        slots.freed(after: .microseconds(5))
        _ = slots.start(at: now)
        slots.freed(after: .seconds(1))
        #expect(slots.claim(at: now)?.count == 1)
    }

    @Test("A claim that got less than it asked for is not repeated until there is a hint; one that got all is")
    func hunger() {
        var slots = QueueSlots(limit: 2)
        #expect(slots.claim(at: now) == nil)
        slots.becameHungry()
        #expect(slots.claim(at: now)?.count == 2)
        slots.becameHungry()
        #expect(slots.claim(at: now) == nil, "one claim at a time")
        slots.claimed([], of: 2, at: now)
        #expect(slots.claim(at: now)?.count == 2, "the hint came while the claim was under way")
        slots.claimed([], of: 2, at: now)
        #expect(slots.claim(at: now) == nil)
        slots.close()
        slots.becameHungry()
        #expect(slots.claim(at: now) == nil)
    }

    @Test("A claim goes on where the last one ended, and looks from the front after a hint and at the end")
    func place() {
        var place = ClaimPlace()
        place.hinted()
        #expect(place.begin(at: now) == .front)
        place.end(last: .init(priority: 100, id: 7), isFull: true, at: now + .milliseconds(1))
        #expect(!place.isDue(at: now + .milliseconds(1)))
        #expect(place.begin(at: now + .milliseconds(2)) == .init(priority: 100, id: 7))
        place.hinted()
        place.end(last: .init(priority: 200, id: 3), isFull: true, at: now + .milliseconds(3))
        #expect(place.begin(at: now + .milliseconds(3)) == .front, "the hint came during the claim")
        place.end(last: .init(priority: 200, id: 4), isFull: true, at: now + .milliseconds(4))
        #expect(place.begin(at: now + .milliseconds(4)) == .init(priority: 200, id: 4))
        place.end(last: nil, isFull: false, at: now + .milliseconds(5))
        #expect(place.isDue(at: now + .milliseconds(5)), "what is left stands before")
        #expect(place.begin(at: now + .milliseconds(5)) == .front)
        place.end(last: nil, isFull: false, at: now + .milliseconds(6))
        #expect(!place.isDue(at: now + .milliseconds(6)), "nothing is left")
    }

    @Test("Looks from the front that are dear take a tenth of the time; a single slow one is not dear yet")
    func dearLooks() {
        var place = ClaimPlace()
        let last = ClaimPlace.Position(priority: 100, id: 7)
        func look(at start: Duration, taking cost: Duration) {
            place.hinted()
            #expect(place.begin(at: now + start) == .front)
            place.end(last: last, isFull: true, at: now + start + cost)
            place.hinted()
        }
        look(at: .zero, taking: .milliseconds(300))
        #expect(place.isDue(at: now + .milliseconds(300)))
        look(at: .milliseconds(300), taking: .milliseconds(1))
        look(at: .milliseconds(310), taking: .milliseconds(100))
        #expect(place.isDue(at: now + .milliseconds(410)))
        look(at: .milliseconds(410), taking: .milliseconds(40))
        #expect(!place.isDue(at: now + .milliseconds(849)))
        #expect(place.begin(at: now + .milliseconds(849)) == last)
        place.end(last: last, isFull: true, at: now + .milliseconds(850))
        #expect(place.isDue(at: now + .milliseconds(850)), "the hint is not forgotten")
        look(at: .seconds(1), taking: .milliseconds(500))
        look(at: .seconds(2), taking: .milliseconds(500))
        #expect(!place.isDue(at: now + .milliseconds(3_499)))
        #expect(place.isDue(at: now + .milliseconds(3_500)), "a second at most")
    }

    @Test("A run past its time limit is stopped; one that does not come back loses its slot to the next")
    func stuck() throws {
        var state = WorkerState(queues: ["q": 1], timeLimits: ["work": .seconds(1)], grace: .seconds(2))
        _ = state.wake("q", at: now)
        let started = state.claimed([job(1), job(2)], of: 1, in: "q", at: now)
        #expect(started.count == 1)
        #expect(state.stopOverdue(at: now + .milliseconds(900)).isEmpty)
        #expect(state.stopOverdue(at: now + .seconds(1)).count == 1)
        #expect(state.stopOverdue(at: now + .seconds(1)).isEmpty, "once")
        #expect(state.abandonStuck(at: now + .seconds(2)).stuck.isEmpty)
        let (stuck, actions) = state.abandonStuck(at: now + .seconds(3))
        #expect(stuck.map(\.job.lease.id) == [1])
        #expect(stuck.first?.stop == .timeLimit)
        let start = try #require(actions.first)
        guard case .start(let next, _) = start else { return #expect(Bool(false), "the slot is given on") }
        #expect(next.lease.id == 2)
        #expect(state.stuckCount == 1)
        #expect(state.end(job(1), slot: stuck[0].slot) == .abandoned)
        #expect(state.stuckCount == 0)
    }

    @Test("What was claimed too far ahead is given back")
    func tooFarAhead() {
        var state = WorkerState(queues: ["q": 1], timeLimits: [:], grace: .seconds(1))
        _ = state.claimed([job(1), job(2), job(3)], of: 3, in: "q", at: now)
        #expect(state.takeStale(after: .seconds(1), at: now + .seconds(1)).isEmpty)
        #expect(state.takeStale(after: .seconds(1), at: now + .seconds(2)).map(\.lease.id) == [2, 3])
        #expect(state.leases.map(\.id) == [1])
    }

    @Test("A lone end goes out at once; the ends that gather during a flush go together in the next")
    func lonelyEnd() throws {
        var buffer = SettlementBuffer()
        let first = try #require(buffer.add(settlement(1), isLast: true).batch)
        #expect(first.count == 1)
        for id in 2...40 { #expect(buffer.add(settlement(Int64(id)), isLast: false).batch == nil) }
        let second = try #require(buffer.flushed(putOff: []).batch)
        #expect(second.count == 39)
        // The flush before carried many: the next waits for more, but never long.
        #expect(buffer.flushed(putOff: []).batch == nil)
        guard case .startTimer = buffer.add(settlement(41), isLast: false) else {
            return #expect(Bool(false), "waits for more")
        }
        let third = try #require(buffer.timeIsUp().batch)
        #expect(third.count == 1)
    }

    @Test("An end whose key is busy comes back without holding up the others")
    func busyEnd() throws {
        var buffer = SettlementBuffer()
        let busy = try #require(buffer.add(settlement(1), isLast: true).batch)
        _ = buffer.add(settlement(2), isLast: false)
        let others = try #require(buffer.flushed(putOff: busy).batch)
        #expect(others.map(\.lease.id) == [2])
        #expect(buffer.ids.sorted() == [1, 2])
        _ = buffer.flushed(putOff: [])
        #expect(buffer.isEmpty == false)
        let again = try #require(buffer.retry(busy).batch)
        #expect(again.map(\.lease.id) == [1])
        _ = buffer.flushed(putOff: [])
        #expect(buffer.isEmpty)
    }

    @Test("A backlog that is not acknowledged is full at some point")
    func backlog() {
        var buffer = SettlementBuffer()
        for id in 0..<SettlementBuffer.maximumBacklog { _ = buffer.add(settlement(Int64(id)), isLast: false) }
        #expect(buffer.isFull)
    }

    @Test("Retries wait longer each time, up to the maximum, and not all alike")
    func retryPolicy() {
        let policy = RetryPolicy.exponentialJitter(base: .seconds(1), factor: 2, maximum: .seconds(60), jitter: 0.25)
        for (attempt, seconds) in [(1, 1.0), (2, 2), (3, 4), (7, 60), (1000, 60)] {
            let delays = (0..<100).map { _ in policy.delay(attempt).inSeconds }
            #expect(delays.allSatisfy { $0 >= seconds * 0.75 && $0 <= seconds * 1.25 })
            #expect(Set(delays).count > 50)
        }
        let exact = RetryPolicy.exponentialJitter(base: .seconds(3), jitter: 0)
        #expect(exact.delay(2) == .seconds(6))
    }

    @Test("A hint that comes during a look-up leads to another; a job that nobody waits for is not looked up")
    func resultWaiters() async {
        var waiters = ResultWaiters()
        waiters.want(1)
        #expect(waiters.startLookUp(atMost: 10) == nil)
        let answer = await withCheckedContinuation { continuation in
            waiters.add(continuation, for: 7, ticket: waiters.ticket())
            #expect(waiters.startLookUp(atMost: 10) == [7])
            waiters.want(7)
            #expect(waiters.startLookUp(atMost: 10) == nil, "one at a time")
            #expect(waiters.found([]).isEmpty)
            #expect(waiters.startLookUp(atMost: 10) == [7])
            let result = JobResult(id: 7, state: .completed, uniqueKey: nil, result: nil, error: nil)
            for (waiter, result) in waiters.found([result]) { waiter.resume(returning: result) }
        }
        #expect(answer?.id == 7)
        #expect(waiters.isEmpty)
    }

    @Test("An alarm cuts a sleep short: rung before it, rung during it, or by cancellation")
    func alarm() async {
        let alarm = Alarm()
        alarm.ring()
        await alarm.sleep(for: .seconds(3600))
        let sleeper = Task { await alarm.sleep(for: .seconds(3600)) }
        alarm.ring()
        await sleeper.value
        await alarm.sleep(for: .nanoseconds(1))
        let cancelled = Task { await alarm.wait() }
        cancelled.cancel()
        await cancelled.value
    }

    private func job(_ id: Int) -> ClaimedJob {
        ClaimedJob(
            lease: Lease(id: Int64(id), fence: 1, worker: 1), kind: "work", queue: "q", attempt: 1, maximumAttempts: 3,
            hasKey: false, isAwaited: false, enqueuedAt: Date(timeIntervalSince1970: 0), waited: .zero,
            arguments: Data(), more: nil, position: ClaimPlace.Position(priority: 100, id: Int64(id)), ending: nil)
    }

    private func settlement(_ id: Int64) -> Settlement {
        Settlement(Lease(id: id, fence: 1, worker: 1), .completed)
    }
}

extension SettlementBuffer.Action {
    fileprivate var batch: [Settlement]? { if case .flush(let batch) = self { batch } else { nil } }
}
