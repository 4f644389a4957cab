/// Three routers and what can be asked about them.
public enum SimulatedNetwork {
    /// By the words of the question; the same question always gets the same answer.
    public static func reply(to question: String) -> SimulatedMikroTik.Reply {
        let question = question.lowercased()
        func asks(_ words: String...) -> Bool { words.contains { question.contains($0) } }
        if asks("tráfico", "trafico", "wan", "traffic") {
            return .init("El tráfico de la interfaz WAN es de 45.3 Mbps de bajada y 12.7 Mbps de subida.")
        }
        if asks("146", "fibra") { return .init("En el router FIBRA OPTICA hay 221 clientes activos.") }
        if asks("clientes", "conectados", "customers") { return .init("Hay 450 clientes conectados en total.") }
        if asks("router") {
            return .init("Hay 3 routers configurados: FIBRA OPTICA, ROUTER 2 y ROUTER 3.")
        }
        return .init(success: false, "No encontré información sobre esa pregunta.")
    }
}
