import Platform

/// Gives a type that is decoded something of everything that it asks for, and notes what that was.
struct SchemaDecoder: Decoder {
    let notes: SchemaNotes
    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        KeyedDecodingContainer(Keyed<Key>(notes: notes))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer { throw notes.unsupported }

    func singleValueContainer() throws -> any SingleValueDecodingContainer { Single(notes: notes) }

    private struct Keyed<Key: CodingKey>: KeyedDecodingContainerProtocol {
        let notes: SchemaNotes
        var codingPath: [any CodingKey] { [] }
        var allKeys: [Key] { [] }

        func contains(_ key: Key) -> Bool { true }

        /// Asked for optional properties alone; "no" makes their type be asked for too.
        func decodeNil(forKey key: Key) throws -> Bool {
            notes.noteOptional(key.stringValue)
            return false
        }

        func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
            try notes.note(type, key.stringValue)
        }

        func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool { try notes.note(type, key.stringValue) }
        func decode(_ type: String.Type, forKey key: Key) throws -> String { try notes.note(type, key.stringValue) }
        func decode(_ type: Double.Type, forKey key: Key) throws -> Double { try notes.note(type, key.stringValue) }
        func decode(_ type: Float.Type, forKey key: Key) throws -> Float { try notes.note(type, key.stringValue) }
        func decode(_ type: Int.Type, forKey key: Key) throws -> Int { try notes.note(type, key.stringValue) }
        func decode(_ type: Int8.Type, forKey key: Key) throws -> Int8 { try notes.note(type, key.stringValue) }
        func decode(_ type: Int16.Type, forKey key: Key) throws -> Int16 { try notes.note(type, key.stringValue) }
        func decode(_ type: Int32.Type, forKey key: Key) throws -> Int32 { try notes.note(type, key.stringValue) }
        func decode(_ type: Int64.Type, forKey key: Key) throws -> Int64 { try notes.note(type, key.stringValue) }
        func decode(_ type: UInt.Type, forKey key: Key) throws -> UInt { try notes.note(type, key.stringValue) }
        func decode(_ type: UInt8.Type, forKey key: Key) throws -> UInt8 { try notes.note(type, key.stringValue) }
        func decode(_ type: UInt16.Type, forKey key: Key) throws -> UInt16 { try notes.note(type, key.stringValue) }
        func decode(_ type: UInt32.Type, forKey key: Key) throws -> UInt32 { try notes.note(type, key.stringValue) }
        func decode(_ type: UInt64.Type, forKey key: Key) throws -> UInt64 { try notes.note(type, key.stringValue) }

        func nestedContainer<Nested: CodingKey>(
            keyedBy type: Nested.Type, forKey key: Key
        ) throws -> KeyedDecodingContainer<Nested> { throw notes.unsupported }
        func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
            throw notes.unsupported
        }
        func superDecoder() throws -> any Decoder { throw notes.unsupported }
        func superDecoder(forKey key: Key) throws -> any Decoder { throw notes.unsupported }
    }

    private struct Single: SingleValueDecodingContainer {
        let notes: SchemaNotes
        var codingPath: [any CodingKey] { [] }

        func decodeNil() -> Bool { false }
        func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try notes.noteSingle(type) }
        func decode(_ type: Bool.Type) throws -> Bool { try notes.noteSingle(type) }
        func decode(_ type: String.Type) throws -> String { try notes.noteSingle(type) }
        func decode(_ type: Double.Type) throws -> Double { try notes.noteSingle(type) }
        func decode(_ type: Float.Type) throws -> Float { try notes.noteSingle(type) }
        func decode(_ type: Int.Type) throws -> Int { try notes.noteSingle(type) }
        func decode(_ type: Int8.Type) throws -> Int8 { try notes.noteSingle(type) }
        func decode(_ type: Int16.Type) throws -> Int16 { try notes.noteSingle(type) }
        func decode(_ type: Int32.Type) throws -> Int32 { try notes.noteSingle(type) }
        func decode(_ type: Int64.Type) throws -> Int64 { try notes.noteSingle(type) }
        func decode(_ type: UInt.Type) throws -> UInt { try notes.noteSingle(type) }
        func decode(_ type: UInt8.Type) throws -> UInt8 { try notes.noteSingle(type) }
        func decode(_ type: UInt16.Type) throws -> UInt16 { try notes.noteSingle(type) }
        func decode(_ type: UInt32.Type) throws -> UInt32 { try notes.noteSingle(type) }
        func decode(_ type: UInt64.Type) throws -> UInt64 { try notes.noteSingle(type) }
    }
}

extension SchemaNotes {
    var unsupported: JSONSchemaError {
        derivation.problem(place, "is not decoded by keys or as one value: give its schema")
    }
}
