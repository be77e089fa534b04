using Tiebreak.Programs;
using DataType = Onnx.TensorProto.Types.DataType;

namespace Tiebreak.Formats.Onnx.Writing;

/// <summary>Functions of one number as ONNX operators.</summary>
static class FunctionWriting
{
    /// <summary>f(x).</summary>
    public static string Write(GraphBuilder graph, ScalarFunction function, string x) => function.Kind switch
    {
        FunctionKind.Step => Step(graph, function.AtZero, x),
        FunctionKind.Power => graph.Add("Pow", [x, graph.Number(function.Exponent)]),
        _ when graph.ElementType == DataType.Double && IsSingleOnly(function.Kind) => graph.Cast(graph.Add(OperatorOf(function), [graph.Cast(x, DataType.Float)]), DataType.Double),
        _ => graph.Add(OperatorOf(function), [x]),
    };

    /// <summary>1 where a Boolean is true, else 0.</summary>
    public static string Truth(GraphBuilder graph, string flags) => graph.Cast(flags, graph.ElementType);

    static string Step(GraphBuilder graph, double atZero, string x)
    {
        var zero = graph.Number(0);
        if (atZero == 1) return Truth(graph, graph.Add("GreaterOrEqual", [x, zero]));
        var above = Truth(graph, graph.Add("Greater", [x, zero]));
        return atZero == 0 ? above : graph.Add("Where", [graph.Add("Equal", [x, zero]), graph.Number(atZero), above]);
    }

    /// <summary>What ONNX Runtime's CPU kernels have in float32 but not in float64.</summary>
    static bool IsSingleOnly(FunctionKind kind) =>
        kind is FunctionKind.Erf or FunctionKind.Cos or FunctionKind.Atan or FunctionKind.Asin or FunctionKind.Asinh or FunctionKind.Acosh or FunctionKind.Atanh;

    static string OperatorOf(ScalarFunction function) => function.Kind switch
    {
        FunctionKind.Exp => "Exp",
        FunctionKind.Log => "Log",
        FunctionKind.Sqrt => "Sqrt",
        FunctionKind.Tanh => "Tanh",
        FunctionKind.Erf => "Erf",
        FunctionKind.Sin => "Sin",
        FunctionKind.Cos => "Cos",
        FunctionKind.Atan => "Atan",
        FunctionKind.Asin => "Asin",
        FunctionKind.Asinh => "Asinh",
        FunctionKind.Acosh => "Acosh",
        FunctionKind.Atanh => "Atanh",
        FunctionKind.Sign => "Sign",
        FunctionKind.Floor => "Floor",
        FunctionKind.Round => "Round", // halves to even, too
        _ => throw new InvalidOperationException($"no ONNX operator for {function}"),
    };
}
