public import Platform

/// Says more of a type's properties than their types do, for the schema that is derived from it.
///
///     struct Question: Decodable, DescribedProperties {
///         var city: String
///         var days: Int?
///         static let properties: [String: JSON] = [
///             "city": "Name of the city",
///             "days": ["description": "How many days ahead", "minimum": 1, "maximum": 7],
///         ]
///     }
public protocol DescribedProperties {
    /// By the names that stand in JSON: a description, or keywords of JSON Schema that are added to the property's schema.
    static var properties: [String: JSON] { get }
}
