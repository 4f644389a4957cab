import Agents
import FoundationEssentials
import Platform

/// When a meeting may be held.
extension MeetingTools {
    /// The instant that a model's `datetime` names.
    func start(of text: String) throws(Refusal) -> Date {
        switch MeetingTime(text, zone: zone) {
        case .instant(let instant): return instant
        case .impossible: throw Refusal("no_such_time", "\(text) does not exist: ask for another")
        case .unreadable: break
        }
        do {
            if let instant = try dates.understand(text).instant(in: zone) { return instant }
        } catch {
            throw Refusal(error.reason.rawValue, error.text)
        }
        throw Refusal(
            "not_understood",
            "datetime must be one instant in ISO 8601 with offset, such as 2025-01-10T14:00:00-06:00")
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

    func refusal(_ reason: String, _ problem: String, after start: Date, _ finder: SlotFinder) async -> ToolResult {
        let start = start < finder.horizon ? start : finder.earliest
        let alternatives = (try? await finder.next(after: start, count: 3)) ?? []
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
