namespace Tiebreak.Formats.Onnx.Lowering;

/// <summary>How one operator becomes primitives.</summary>
/// <param name="Domain">The operator set; the default one is the empty name.</param>
/// <param name="Type">For instance <c>Conv</c>.</param>
/// <param name="Since">The first opset that is read; older meanings are refused by the opset range of the reader.</param>
/// <param name="Lower">Adds the primitives.</param>
sealed record OperatorRule(string Domain, string Type, int Since, Action<OperatorCall> Lower);
