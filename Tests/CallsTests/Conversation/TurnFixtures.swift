import FoundationEssentials
import Platform

@testable import Calls

/// Turn states for tests that need no database. Now is Tuesday, 2026-03-10, 10:00 in Mexico City.
enum TurnFixtures {
    static let zone = Zone(identifier: "America/Mexico_City") ?? .utc
    static let now = zone.date(of: CivilTime(year: 2026, month: 3, day: 10, hour: 10))

    static func state(
        _ language: Language = .english, turns: [TurnState.Turn] = [], change: (inout TurnState) -> Void = { _ in }
    ) -> TurnState {
        var state = TurnState(
            call: TurnState.Call(
                id: 7, isInbound: false, status: .inProgress, hasAgentEnded: false, answeredBy: nil,
                providerCallID: "CA1", phone: "+525512345678", language: language, zone: zone),
            lead: TurnState.Lead(
                id: 3, name: "Ana Ruiz", email: "ana@example.com", variables: ["company": "ACME", "seats": 12]),
            campaign: TurnState.Campaign(name: "Spring", instructions: "Offer a demo.", greeting: nil, tools: nil),
            turns: turns, toolCalls: [], meetings: [], now: now)
        change(&state)
        return state
    }

    static func agent(
        _ number: Int, _ text: String = "…", to inReplyTo: Int? = nil, as purpose: TurnPurpose = .answer
    ) -> TurnState.Turn {
        TurnState.Turn(
            number: number, isAgents: true, content: text, inReplyTo: inReplyTo ?? number - 1, endsCall: false,
            purpose: purpose)
    }

    static func caller(_ number: Int, _ text: String = "…") -> TurnState.Turn {
        TurnState.Turn(
            number: number, isAgents: false, content: text, inReplyTo: nil, endsCall: false, purpose: nil)
    }

    static let greeting = agent(1, "Hello.", to: 1, as: .greeting)
}
