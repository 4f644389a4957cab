import Platform

/// How long it takes to follow a chain through 256 KiB of memory at once, and after a pause. On a machine whose caches are shared
/// with strangers the pause empties them: then the first thing that anyone does after a pause waits for main memory at each
/// step, and says more of the machine than of us.
struct CacheProbe {
    // One to a cache line, in an order that no prefetcher guesses.
    private static let lines = 4096
    private static let stride = 64 / MemoryLayout<Int>.size
    private static let rounds = 40

    private let chain: [Int]

    init() {
        var generator = SeededGenerator(seed: 1)
        let order = (0..<Self.lines).shuffled(using: &generator)
        var chain = [Int](repeating: 0, count: Self.lines * Self.stride)
        for (here, next) in zip(order, order.dropFirst() + order.prefix(1)) {
            chain[here * Self.stride] = next * Self.stride
        }
        self.chain = chain
    }

    func figures(pause: Duration) async throws -> [Figure] {
        var atOnce: [Double] = []
        var afterwards: [Double] = []
        for _ in 0..<Self.rounds {
            _ = follow()
            atOnce.append(follow())
            try await Task.sleep(for: pause)
            afterwards.append(follow())
        }
        return [
            Figure(name: "256 KiB of memory, line by line: at once", value: atOnce.median, unit: "ms"),
            Figure(name: "256 KiB of memory, line by line: after 150 ms", value: afterwards.median, unit: "ms"),
        ]
    }

    private func follow() -> Double {
        let start = ContinuousClock.now
        var here = 0
        for _ in 0..<Self.lines { here = chain[here] }
        let milliseconds = (ContinuousClock.now - start) / .milliseconds(1)
        // Used, or the compiler would leave the whole walk out.
        precondition(here == 0, "the chain is a ring")
        return milliseconds
    }
}
