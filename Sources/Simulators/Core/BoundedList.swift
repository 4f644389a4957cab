extension Array {
    /// Appends, and forgets the oldest when there are more than `limit`.
    mutating func keep(_ element: Element, atMost limit: Int) {
        append(element)
        if count > limit { removeFirst(count - limit) }
    }
}
