// swift-tools-version: 6.2
import PackageDescription

/// The house, bottom to top: an arrow only ever points down. See docs/architecture.md.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

func house(_ name: String, on dependencies: [Target.Dependency], path: String? = nil) -> Target {
    .target(name: name, dependencies: dependencies, path: path, swiftSettings: settings)
}

/// - Parameter data: Files beside the tests that they read.
func tests(_ name: String, of dependencies: [Target.Dependency], data: [String] = []) -> Target {
    .testTarget(
        name: name, dependencies: dependencies + ["TestSupport"], path: "Tests/\(name)", exclude: data,
        swiftSettings: settings)
}

let package = Package(
    name: "operadora",
    products: [
        .executable(name: "operadora", targets: ["operadora"]),
        // With the modules whose types its own are made of.
        .library(name: "Agents", targets: ["Agents", "HTTP", "Platform"]),
    ],
    targets: [
        .systemLibrary(name: "CLibPQ", path: "Sources/CLibraries/CLibPQ"),
        .systemLibrary(name: "CLibCurl", path: "Sources/CLibraries/CLibCurl"),
        .systemLibrary(name: "CMicroHTTPD", path: "Sources/CLibraries/CMicroHTTPD"),
        .systemLibrary(name: "CCrypto", path: "Sources/CLibraries/CCrypto"),
        .systemLibrary(name: "CSpawn", path: "Sources/CLibraries/CSpawn"),
        .target(
            name: "CPhoneNumber", path: "Sources/CLibraries/CPhoneNumber",
            linkerSettings: [.linkedLibrary("phonenumber")]),

        house("Platform", on: ["CCrypto", "CSpawn"]),
        house("Postgres", on: ["Platform", "CLibPQ"]),
        house("HTTP", on: ["Platform", "CLibCurl", "CMicroHTTPD"]),
        house("Jobs", on: ["Postgres", "Platform"]),
        house("Agents", on: ["HTTP", "Platform"]),
        house("Providers", on: ["HTTP", "Platform"]),
        house("Calls", on: ["Jobs", "Agents", "Providers", "Postgres", "HTTP", "Platform", "CPhoneNumber"]),
        house("Ingress", on: ["Calls", "Providers", "Jobs", "HTTP", "Postgres", "Platform"]),
        house("Simulators", on: ["HTTP", "Platform"]),
        .executableTarget(
            name: "operadora",
            dependencies: [
                "Ingress", "Simulators", "Calls", "Providers", "Agents", "Jobs", "HTTP", "Postgres", "Platform",
            ],
            swiftSettings: settings),

        .executableTarget(
            name: "benchmarks",
            dependencies: ["Simulators", "Calls", "Providers", "Agents", "Jobs", "HTTP", "Postgres", "Platform"],
            path: "benchmarks", exclude: ["peers"],
            swiftSettings: settings),

        .target(
            name: "TestSupport", dependencies: ["Postgres", "HTTP", "Platform"], path: "Tests/TestSupport",
            swiftSettings: settings),
        tests("PlatformTests", of: ["Platform"]),
        tests("PostgresTests", of: ["Postgres", "Platform"]),
        tests("HTTPTests", of: ["HTTP", "CMicroHTTPD", "Platform"]),
        tests("JobsTests", of: ["Jobs", "JobsTestWorker", "Postgres", "Platform"]),
        .executableTarget(
            name: "JobsTestWorker", dependencies: ["Jobs", "Postgres", "Platform"], path: "Tests/JobsTestWorker",
            swiftSettings: settings),
        tests("AgentsTests", of: ["Agents", "AgentsProgram", "HTTP", "Platform"]),
        .executableTarget(
            name: "AgentsProgram", dependencies: ["Agents", "HTTP", "Platform"], path: "Tests/AgentsProgram",
            swiftSettings: settings),
        tests("ProvidersTests", of: ["Providers", "Simulators", "HTTP", "Platform"]),
        tests(
            "CallsTests", of: ["Calls", "Simulators", "Jobs", "Agents", "Providers", "Postgres", "HTTP", "Platform"],
            data: ["SpokenDates/expressions.tsv"]),
        tests("IngressTests", of: ["Ingress", "Calls", "Agents", "Providers", "Jobs", "Postgres", "HTTP", "Platform"]),
        tests("SimulatorsTests", of: ["Simulators", "HTTP", "Platform"]),
        tests("OperadoraTests", of: ["operadora", "Agents", "Calls", "Simulators", "Postgres", "HTTP", "Platform"]),
        tests("EndToEndTests", of: ["operadora", "Simulators", "Postgres", "HTTP", "Platform"]),
    ],
    cxxLanguageStandard: .cxx17
)

// The sanitizer runs the unit targets: what is tested as processes is not built for it.
if Context.environment["OPERADORA_UNIT_TARGETS"] != nil {
    package.targets.removeAll { ["operadora", "benchmarks", "OperadoraTests", "EndToEndTests"].contains($0.name) }
    package.products.removeAll { $0.name == "operadora" }
}
