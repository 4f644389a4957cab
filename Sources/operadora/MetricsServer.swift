import HTTP
import Platform

/// What a worker counts, for Prometheus. An ingress has a listener anyway, a worker opens one only for this.
enum MetricsServer {
    static func make(_ configuration: MetricsConfiguration, _ metrics: MetricsRegistry, logger: Logger) throws
        -> HTTPServer?
    {
        guard let port = configuration.port else { return nil }
        var settings = HTTPServer.Configuration()
        settings.host = configuration.host
        settings.port = port
        settings.maximumBodyBytes = 0
        settings.maximumConnections = 64
        settings.requestDeadline = .seconds(5)
        let server = try HTTPServer(configuration: settings, logger: logger) { request in
            guard request.path == "/metrics", request.method == "GET" else {
                return HTTPServerResponse.text("only GET /metrics is here\n", status: 404)
            }
            return .text(metrics.render(), contentType: "text/plain; version=0.0.4; charset=utf-8")
        }
        logger.info("metrics", metadata: ["host": configuration.host, "port": "\(server.port)"])
        return server
    }
}
