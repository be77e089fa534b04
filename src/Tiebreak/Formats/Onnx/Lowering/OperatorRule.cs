namespace Tiebreak.Formats.Onnx.Lowering;

/// <summary>How one operator becomes primitives.</summary>
/// <param name="Domain">The operator set; the default one is the empty name.</param>
/// <param name="Type">For instance <c>Conv</c>.</param>
/// <param name="Since">The first opset whose meaning is lowered.</param>
/// <param name="Until">The last opset that has the operator.</param>
/// <param name="Lower">Adds the primitives.</param>
sealed record OperatorRule(string Domain, string Type, int Since, int Until, Action<OperatorCall> Lower);
