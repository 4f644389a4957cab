import Agents
import Platform
import Providers

/// `consultar_mikrotik`: asks the routers a question in plain words. What went wrong is told in words that can be said, in
/// Spanish as the answers are.
struct MikroTikTool: Tool {
    static let name = "consultar_mikrotik"

    let client: MikroTikClient
    /// Answers to anybody for so long: what the routers count changes slowly, and asking them takes seconds.
    var cacheLifetime: Duration? = .seconds(30)
    let logger: Logger

    var description: ToolDescription { Self.about }
    /// A little longer than the longest question, whose own words say more.
    var timeout: Duration { client.configuration.thoroughTimeout + .seconds(1) }

    private static let about = ToolDescription(
        name: name,
        description:
            "Looks up live data of the network's MikroTik routers: connected customers, the state of routers, traffic, "
            + "interfaces, gateways. Always use it for such questions, and never make such data up.",
        parameters: [
            "type": "object",
            "properties": [
                "pregunta": [
                    "type": "string", "minLength": 1, "maxLength": 500,
                    "description":
                        "The whole question in Spanish, with the router that is meant: ¿Cuántos clientes activos hay en router-146?",
                ]
            ],
            "required": ["pregunta"],
            "additionalProperties": false,
        ])

    func execute(_ arguments: JSON) async throws -> ToolResult {
        let question = CallerSpeech.clean(arguments["pregunta"]?.string ?? "")
        guard !question.isEmpty else { throw ToolError("pregunta is empty: ask the caller what they want to know") }
        do {
            return ToolResult(
                success: true, value: ["success": true, "response": .string(try await client.ask(question))])
        } catch {
            if error == .cancelled { throw CancellationError() }
            logger.warning("MikroTik question failed", metadata: ["error": "\(error)"])
            return ToolResult(success: false, value: ["success": false, "response": .string(Self.words(for: error))])
        }
    }

    private static func words(for error: MikroTikError) -> String {
        switch error {
        case .timedOut:
            "Lo siento, la consulta tardó demasiado. ¿Puede intentar con una pregunta más específica?"
        case .unreachable: "Lo siento, no se pudo conectar con el sistema de consultas en este momento."
        case .refused, .invalidAnswer: "Lo siento, ocurrió un error en la consulta. ¿Puede repetir su pregunta?"
        case .unanswered(let words): "Lo siento, hubo un problema con la consulta: \(CallerSpeech.clean(words))"
        case .cancelled: "La consulta se canceló."
        }
    }
}
