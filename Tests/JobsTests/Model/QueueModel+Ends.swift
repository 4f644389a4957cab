import Jobs

/// How jobs end or come back, and what follows from it.
extension QueueModel {
    /// False when the lease is not good: then nothing changes.
    mutating func settle(_ id: JobID, _ worker: Int64, _ claims: Int, _ outcome: String, delay: Int) -> Bool {
        guard let job = job(id), job.worker == worker, job.claims == claims else { return false }
        let comesBack = ["retry", "snooze", "release"].contains(outcome)
        guard comesBack, !job.isCancelled else {
            finish(id, comesBack ? "cancelled" : outcome)
            return true
        }
        let isHandedBack = outcome == "release"
        if !isHandedBack, job.holder == nil { release(job.slotHolder) }
        let runAt = job.isWoken ? now : now + delay
        let state =
            runAt > now ? "scheduled" : isHandedBack && job.holder == nil ? "available" : readyState(job)
        change(id) { entry in
            (entry.worker, entry.runAt, entry.state) = (nil, runAt, state)
            entry.isWoken = false
            if outcome != "retry" { entry.attempt -= 1 }
            if !isHandedBack { (entry.rescues, entry.startBy) = (0, nil) }
        }
        return true
    }

    mutating func cancel(_ id: JobID) -> Bool {
        guard let job = job(id) else { return false }
        if job.state == "running" { change(id) { $0.isCancelled = true } } else { finish(id, "cancelled") }
        return true
    }

    /// Ends a job, lets the next of its key go, and draws the conclusions for its followers and its batch.
    mutating func finish(_ id: JobID, _ state: String) {
        guard let index = jobs.firstIndex(where: { $0.id == id }) else { return }
        let job = jobs.remove(at: index)
        ended.append(Ended(job: job, state: state))
        dependencies[id] = nil
        if job.holder == nil { release(job.slotHolder) }
        if let key = job.key, let head = jobs.first(where: { $0.key == key }), head.state == "blocked" {
            letGo(head.id)
        }
        for follower in dependencies.keys.sorted() where dependencies[follower]?.remove(id) != nil {
            guard let waiting = self.job(follower) else { continue }
            if state != "completed", !waiting.runsAfterFailure {
                // One that came too late is being ended already, and waits for nothing more.
                dependencies[follower] = nil
                if waiting.state == "waiting" { finish(follower, "cancelled") }
            } else if waiting.state == "waiting", dependencies[follower]?.isEmpty == true {
                letGo(follower)
            }
        }
        dependencies = dependencies.filter { !$0.value.isEmpty }
        guard let batch = job.batch else { return }
        if state == "completed" { batches[batch]?.completed += 1 } else { batches[batch]?.unsuccessful += 1 }
        endBatch(batch)
    }

    mutating func closeBatch(_ id: JobID) -> Int? {
        guard let batch = batches[id] else { return nil }
        if let size = batch.size { return size }
        batches[id]?.size = batch.completed + batch.unsuccessful + jobs.filter { $0.batch == id }.count
        endBatch(id)
        return batches[id]?.size
    }

    private mutating func endBatch(_ id: JobID) {
        guard let batch = batches[id], batch.isOver, job(id)?.state == "waiting" else { return }
        if batch.unsuccessful > 0, !batch.runsAfterFailure { finish(id, "cancelled") } else { letGo(id) }
    }

    // MARK: Dead letters

    /// Nil when it is refused. The id of a job that is to be enqueued anew is not known yet: it is 0.
    mutating func retry(_ id: JobID) -> JobID? {
        if let job = job(id) {
            guard job.state != "running", job.state != "waiting" else { return nil }
            _ = wake(id)
            return id
        }
        guard let end = end(of: id), end.state != "completed" else { return nil }
        return end.retriedAs ?? 0
    }

    mutating func enqueueAgain(_ id: JobID, as newID: JobID) {
        guard let index = ended.firstIndex(where: { $0.job.id == id }) else { return }
        let first = ended[index].job
        (ended[index].retriedAs, ended[index].isDiscarded) = (newID, false)
        var again = Entry(id: newID, queue: first.queue, key: first.key, priority: first.priority)
        again.maximumAttempts = first.maximumAttempts
        (again.limits, again.holder) = (first.limits, first.holder)
        if answer(unique: first.unique, isHeldForTime: false) == nil { again.unique = first.unique }
        enqueue(again)
    }

    /// Nil when it is refused.
    mutating func discard(_ id: JobID) -> Bool? {
        if let job = job(id) {
            guard job.state != "running" else { return nil }
            finish(id, "cancelled")
            if let index = ended.firstIndex(where: { $0.job.id == id }) { ended[index].isDiscarded = true }
            return true
        }
        guard let index = ended.firstIndex(where: { $0.job.id == id }) else { return nil }
        let end = ended[index]
        guard end.state != "completed", end.retriedAs == nil else { return nil }
        guard end.state != "cancelled", !end.isDiscarded else { return false }
        ended[index].isDiscarded = true
        return true
    }

    /// The oldest dead letters.
    func dead(atMost count: Int) -> [JobID] {
        ended.filter { ["failed", "expired"].contains($0.state) && $0.retriedAs == nil && !$0.isDiscarded }
            .prefix(count).map(\.job.id)
    }
}
