import Platform
import TestSupport

/// Checks bodies against the types of the Python package `openai`, stricter than the server does: a field that the types
/// do not name is a mistake.
enum OpenAITypes {
    /// Throws with the path of the first mistake in any body of `POST /chat/completions`.
    static func checkRequests(_ bodies: [JSON]) async throws {
        _ = try await PythonPeer.run(checker + "\ncheck_requests()", input: .array(bodies))
    }

    private static let checker = #"""
        import json, sys, typing, collections.abc
        from typing_extensions import get_type_hints, is_typeddict, Required, NotRequired, Annotated
        from openai.types.chat import completion_create_params as params

        def fits(value, kind, path):
            origin, arguments = typing.get_origin(kind), typing.get_args(kind)
            if origin in (Required, NotRequired, Annotated):
                return fits(value, arguments[0], path)
            if kind in (object, typing.Any):
                return []
            if kind is None or kind is type(None):
                return [] if value is None else [f"{path} is not null"]
            if origin is typing.Literal:
                return [] if value in arguments else [f"{path} is not one of {arguments}"]
            if origin is typing.Union or str(origin) == "<class 'types.UnionType'>":
                attempts = [fits(value, one, path) for one in arguments]
                return [] if [] in attempts else min(attempts, key=lambda mistakes: (len(mistakes), mistakes))
            if is_typeddict(kind):
                return fits_members(value, kind, path)
            if origin in (list, collections.abc.Iterable, collections.abc.Sequence):
                if not isinstance(value, list): return [f"{path} is not an array"]
                return [m for i, one in enumerate(value) for m in fits(one, arguments[0], f"{path}[{i}]")]
            if origin is dict:
                return [] if isinstance(value, dict) else [f"{path} is not an object"]
            if kind is float:
                return [] if isinstance(value, (int, float)) else [f"{path} is not a number"]
            if isinstance(kind, type):
                same = isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
                return [] if same else [f"{path} is not {kind.__name__}"]
            return [f"{path}: the checker does not know {kind}"]

        def fits_members(value, kind, path):
            if not isinstance(value, dict): return [f"{path} is not an object"]
            hints = get_type_hints(kind, include_extras=True)
            # Postponed annotations hide Required from __required_keys__: the resolved hints tell.
            def is_required(name):
                origin = typing.get_origin(hints[name])
                return origin is Required or (name in kind.__required_keys__ and origin is not NotRequired)
            missing = [f"{path}.{name} is missing" for name in hints if is_required(name) and name not in value]
            unknown = [f"{path}.{name} is unknown" for name in value if name not in hints]
            return missing + unknown + [
                m for name, one in value.items() if name in hints for m in fits(one, hints[name], f"{path}.{name}")]

        def check_requests():
            for index, body in enumerate(json.load(sys.stdin)):
                streaming = body.get("stream", False)
                kind = params.CompletionCreateParamsStreaming if streaming else params.CompletionCreateParamsNonStreaming
                mistakes = fits(body, kind, f"body[{index}]")
                if mistakes: sys.exit("\n".join(mistakes))
            print("[]")
        """#
}
