import Agents
import FoundationEssentials
import Platform

/// When a meeting may be held.
extension MeetingTools {
    /// The instant that a model's `datetime` names. Throws with the next free slots of the day that it names, if any.
    func start(of text: String, _ finder: SlotFinder) async throws(Refusal) -> Date {
        switch MeetingTime(text, zone: zone) {
        case .instant(let instant): return instant
        case .impossible:
            // "2027-03-14T02:30" is a day, though not a time where clocks are put forward.
            let day = (try? dates.understand(String(text.prefix(10)))).flatMap { $0.windows(in: zone).first }
            throw Refusal(
                await refusal(
                    "no_such_time", "\(text) does not exist: ask for another", after: day?.lowerBound ?? state.now,
                    finder))
        case .unreadable: break
        }
        let spoken: SpokenDate
        do {
            spoken = try dates.understand(text)
        } catch {
            throw Refusal(await refusal(error, finder))
        }
        if let instant = spoken.instant(in: zone) { return instant }
        throw Refusal(
            await refusal(
                "not_understood",
                "datetime must be one instant in ISO 8601 with offset, such as 2025-01-10T14:00:00-06:00",
                after: spoken.windows(in: zone).first?.lowerBound ?? state.now, finder))
    }

    /// Throws unless the slot may be had: not over, not too soon or far, in hours, and free; with the next free slots, so
    /// that the agent has something to offer.
    ///
    /// - Parameter meeting: It is to be moved there, and is not in its own way.
    func checkFree(_ slot: Range<Date>, _ finder: SlotFinder, for meeting: Meeting? = nil) async throws {
        if let (reason, problem) = objection(slot, finder) {
            throw Refusal(await refusal(reason, problem, after: slot.lowerBound, finder))
        }
        do {
            if try await finder.isFree(slot, for: meeting) { return }
        } catch {
            throw calendarFailure(error)
        }
        throw Refusal(await taken(slot, finder))
    }

    func taken(_ slot: Range<Date>, _ finder: SlotFinder) async -> ToolResult {
        let problem = "that time has just been taken: nothing was changed; say so and offer the next times"
        return await refusal("taken", problem, after: slot.lowerBound, finder)
    }

    /// Of a day that could not be understood or had: with the next free slots from now on.
    func refusal(_ date: SpokenDateRefusal, count: Int = 3, _ finder: SlotFinder) async -> ToolResult {
        await refusal(date.reason.rawValue, date.text, after: state.now, count: count, finder)
    }

    /// With the next `count` free slots; with none when the calendar cannot say.
    func refusal(
        _ reason: String, _ problem: String, after start: Date, count: Int = 3, _ finder: SlotFinder
    ) async -> ToolResult {
        let start = start < finder.horizon ? start : finder.earliest
        let alternatives = (try? await finder.next(after: start, count: count)) ?? []
        return ToolResult(
            success: false,
            value: [
                "success": false, "reason": .string(reason), "error": .string(problem),
                "available_slots": .array(alternatives.map(json)), "timezone": .string(zone.identifier),
            ])
    }

    /// Why no meeting may be held then, whoever is free.
    private func objection(_ slot: Range<Date>, _ finder: SlotFinder) -> (reason: String, problem: String)? {
        if slot.lowerBound < state.now { return ("past", "that time is over") }
        if slot.lowerBound < finder.earliest { return ("too_soon", "that is too soon: at least half an hour ahead") }
        if slot.lowerBound >= finder.horizon {
            return ("too_far", "that is more than \(SlotFinder.horizonDays) days ahead")
        }
        if !finder.isOpen(slot) {
            let settings = services.settings
            return ("outside_hours", "meetings are held \(settings.businessHours) (\(settings.businessTimezone))")
        }
        return nil
    }
}
