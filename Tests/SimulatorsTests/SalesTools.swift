import Platform

@testable import Simulators

/// The tools of a sales agent as a request offers them, and a calendar of two slots a day behind them.
enum SalesTools {
    static let check = tool(
        "check_calendar_availability", ["preferred_date": ["type": "string"]], required: ["preferred_date"])
    static let book = tool(
        "book_meeting",
        ["datetime": ["type": "string"], "guest_email": ["type": "string"], "guest_name": ["type": "string"]],
        required: ["datetime", "guest_email", "guest_name"])
    static let hangUp = tool("terminarLlamada", [:], required: [])

    private static func tool(_ name: String, _ properties: [String: JSON], required: [String]) -> JSON {
        [
            "type": "function",
            "function": [
                "name": .string(name), "description": "For tests",
                "parameters": [
                    "type": "object", "properties": .object(properties),
                    "required": .array(required.map { .string($0) }),
                ],
            ],
        ]
    }

    static let slots: JSON = [
        "success": true, "timezone": "UTC",
        "available_slots": [
            ["datetime": "2026-03-10T10:00:00+00:00", "display": "Tuesday, March 10 at 10:00 AM"],
            ["datetime": "2026-03-10T15:00:00+00:00", "display": "Tuesday, March 10 at 3:00 PM"],
        ],
    ]
}
