import Agents

/// The tools of one call, or of one request outside of calls, bound to it.
struct CallTools: Sendable {
    let services: CallServices
    let state: TurnState
    /// As the tools file has it now: the same for the whole turn.
    let definitions: ToolDefinitions

    init(_ services: CallServices, _ state: TurnState) {
        self.services = services
        self.state = state
        definitions = services.tools.definitions
    }

    /// Those that the campaign allows.
    func registry(_ options: TurnOptions) throws -> ToolRegistry {
        let tools = own.filter { allows($0.description.name) } + system + custom.filter { allows($0.description.name) }
        return try ToolRegistry(tools.map(options.replaceTool))
    }

    private func allows(_ names: String...) -> Bool {
        guard let allowed = state.campaign?.tools else { return true }
        return names.contains(where: allowed.contains)
    }

    private var own: [any Tool] {
        let meetings = MeetingTools(services: services, state: state)
        var tools: [any Tool] = [
            CheckAvailabilityTool(meetings: meetings), BookMeetingTool(meetings: meetings),
            RescheduleMeetingTool(meetings: meetings), CancelMeetingTool(meetings: meetings),
        ]
        if let link = ScheduleMeetingTool(services: services, state: state) { tools.append(link) }
        if let mikrotik = services.tools.mikrotik {
            tools.append(MikroTikTool(client: mikrotik, logger: services.logger))
        }
        tools.append(TransferTool(hasNumber: services.tools.transferNumber != nil))
        return tools
    }

    private var system: [any Tool] {
        // A campaign that was made before the file renamed one lists its usual name.
        definitions.systemTools.filter { $0.isEnabled && allows($0.name, $0.kind.usual.name) }.map { definition in
            switch definition.kind {
            case .disconnect: HangUpTool(definition)
            case .openURL:
                OpenLinkTool(
                    definition, delivery: state.call.hasScreen ? nil : LinkDelivery(services: services, state: state))
            }
        }
    }

    private var custom: [any Tool] {
        guard let http = services.tools.http else { return [] }
        return definitions.customTools.filter(\.isEnabled).map {
            CustomTool(
                definition: $0, http: http, destinations: services.tools.destinations, logger: services.logger)
        }
    }
}
