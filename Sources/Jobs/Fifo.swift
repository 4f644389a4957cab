/// A first-in, first-out list whose ends cost the same however long it is.
struct Fifo<Element> {
    private var elements: [Element?] = []
    private var head = 0

    var count: Int { elements.count - head }
    var isEmpty: Bool { count == 0 }
    var all: [Element] { elements[head...].compactMap { $0 } }

    mutating func append(contentsOf new: some Sequence<Element>) {
        for element in new { elements.append(element) }
    }

    mutating func popFirst() -> Element? {
        guard head < elements.count else { return nil }
        let element = elements[head]
        elements[head] = nil
        head += 1
        if head == elements.count {
            elements.removeAll(keepingCapacity: true)
            head = 0
        }
        return element
    }

    mutating func removeAll() -> [Element] {
        let all = all
        elements = []
        head = 0
        return all
    }
}
