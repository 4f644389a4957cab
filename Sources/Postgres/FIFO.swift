/// A queue with cheap ends: what has been taken is dropped from the array now and then, not each time.
struct FIFO<Element> {
    private var storage: [Element?] = []
    private var head = 0

    var isEmpty: Bool { head == storage.count }
    var count: Int { storage.count - head }

    var first: Element? { isEmpty ? nil : storage[head] }
    var last: Element? { isEmpty ? nil : storage[storage.count - 1] }

    mutating func append(_ element: Element) { storage.append(element) }

    mutating func prepend(_ element: Element) {
        if head == 0 { storage.insert(element, at: 0) } else { head -= 1 }
        storage[head] = element
    }

    mutating func popFirst() -> Element? {
        guard !isEmpty else { return nil }
        let element = storage[head]
        // The slot must not keep alive what it held.
        storage[head] = nil
        head += 1
        if head == storage.count || head >= 64 && head * 2 >= storage.count {
            storage.removeFirst(head)
            head = 0
        }
        return element
    }

    /// Takes out the first element that matches, keeping the order of the others.
    mutating func remove(where matches: (Element) -> Bool) -> Element? {
        guard let index = storage[head...].firstIndex(where: { $0.map(matches) ?? false }) else { return nil }
        return storage.remove(at: index)
    }

    mutating func updateFirst(_ change: (inout Element) -> Void) {
        if !isEmpty { update(head, change) }
    }

    /// Changes the first element that matches.
    mutating func updateFirst(where matches: (Element) -> Bool, change: (inout Element) -> Void) {
        guard let index = storage[head...].firstIndex(where: { $0.map(matches) ?? false }) else { return }
        update(index, change)
    }

    /// In place: the element is taken out meanwhile, so that what it holds is not copied.
    private mutating func update(_ index: Int, _ change: (inout Element) -> Void) {
        guard var element = storage[index] else { return }
        storage[index] = nil
        change(&element)
        storage[index] = element
    }

    func allSatisfy(_ predicate: (Element) -> Bool) -> Bool {
        storage[head...].allSatisfy { $0.map(predicate) ?? true }
    }

    mutating func removeAll() -> [Element] {
        defer {
            storage = []
            head = 0
        }
        return storage[head...].compactMap { $0 }
    }
}
