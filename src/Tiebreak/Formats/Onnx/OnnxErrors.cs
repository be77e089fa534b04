namespace Tiebreak.Formats.Onnx;

/// <summary>What can be wrong with an ONNX file as a whole, one message an error: what, where and the remedy.</summary>
static class OnnxErrors
{
    public static TiebreakException Truncated(string path, long offset, long length) =>
        new($"{path}: the file is truncated: what begins at byte {offset} does not end within its {length} bytes; export or download the model again");

    public static TiebreakException NotOnnx(string path, string evidence, Exception? cause = null)
    {
        var message = $"{path}: not an ONNX model: {evidence}; give a model exported to ONNX";
        return cause is null ? new TiebreakException(message) : new TiebreakException(message, cause);
    }

    public static TiebreakException Malformed(string path, long offset, string evidence) =>
        new($"{path}: malformed at byte {offset}: {evidence}; not an ONNX model, or a damaged one: export it again");

    public static TiebreakException GraphTooLarge(string path, long limit) =>
        new($"{path}: without raw tensor bytes its graph is still above {limit >> 20} MiB; store large tensors as raw_data or external data");

    public static TiebreakException OpsetOutOfRange(string path, long version) =>
        new($"{path}: opset {version} is out of range {OnnxReader.LowestOpset} to {OnnxReader.HighestOpset}; convert the model with onnx.version_converter or export it again at such an opset");

    public static TiebreakException Tensor(string path, string tensor, string problem) => new($"{path}: tensor `{tensor}`: {problem}");

    public static TiebreakException UnknownOperator(string path, string domain, string type, string node)
    {
        var name = domain.Length == 0 ? type : $"{domain}.{type}";
        var remedy = Lowering.RefusedOperators.ReasonFor(domain, type) is { } reason ? $": {reason}" : "; export the model with standard operators, or leave that part out with --outputs";
        return new($"{path}: node `{node}` uses operator {name} of {(domain.Length == 0 ? "the default domain" : $"domain `{domain}`")}, which is not supported{remedy}, or take it as an unknown function with --opaque {name}");
    }

    public static TiebreakException OperatorOpset(string path, string type, string node, long opset, int since, int until) =>
        opset < since
            ? new($"{path}: node `{node}` uses operator {type}, which the standard has from opset {since} on, but the model declares opset {opset}; export it again at opset {since} or later")
            : new($"{path}: node `{node}` uses operator {type}, which the standard has up to opset {until}, but the model declares opset {opset}; export it again with the operator that replaced it");

    public static string OneLine(string text) => FileErrors.OneLine(text);
}
