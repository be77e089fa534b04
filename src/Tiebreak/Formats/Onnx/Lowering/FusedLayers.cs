using Tiebreak.Formats.Layers;
using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Onnx.Lowering;

/// <summary>ONNX Runtime's layers that have swallowed an activation, a transpose or a factor.</summary>
static class FusedLayers
{
    /// <summary>com.microsoft FusedMatMul-1 and TransposeMatMul-1: alpha · A·B, either transposed in its last two axes.</summary>
    public static void MatMul(OperatorCall call)
    {
        if (call.Int("transBatchA", 0) != 0 || call.Int("transBatchB", 0) != 0) throw call.Fail("it exchanges batch axes, which is not supported; export the model without transBatchA and transBatchB");
        var (a, b) = (Operand(0, "transA"), Operand(1, "transB"));
        call.Set(call.Builder.Scale(MatrixProducts.Product(call.Builder, a, b), call.Float("alpha", 1)));

        Node Operand(int input, string attribute)
        {
            var node = call.Node(input);
            var rank = node.Shape.Rank;
            var transposed = rank >= 2 && call.Int(attribute, 0) != 0;
            var meanings = new AxisMeaning[rank];
            var (outer, inner) = (input == 0) != transposed ? (rank - 2, rank - 1) : (rank - 1, rank - 2);
            if (rank >= 2) (meanings[outer], meanings[inner]) = (AxisMeaning.Output, AxisMeaning.Input);
            else if (rank == 1) meanings[0] = AxisMeaning.Input;
            call.UsedAs(input, ParameterRole.Dense, meanings);
            return transposed ? call.Builder.Transpose(node, [.. Enumerable.Range(0, rank - 2), rank - 1, rank - 2]) : node;
        }
    }

    public static void Gemm(OperatorCall call)
    {
        string[] names = ["activation_alpha", "activation_beta"];
        call.Set(FusedActivations.Named(call, MatrixProducts.General(call), call.Text("activation", ""), (k, otherwise) => call.Float(names[k], otherwise)));
    }

    /// <summary>X·W + bias, then the fast Gelu.</summary>
    public static void GemmFastGelu(OperatorCall call)
    {
        var builder = call.Builder;
        call.UsedAs(1, ParameterRole.Dense, AxisMeaning.Input, AxisMeaning.Output);
        call.UsedAs(2, ParameterRole.Bias, AxisMeaning.Output);
        var y = MatrixProducts.Product(builder, call.Node(0), call.Node(1));
        if (call.Has(2)) y = builder.Add(y, builder.BroadcastTo(call.Node(2), y.Shape));
        call.Set(Nonlinearities.FastGelu(builder, y));
    }

    /// <summary>A convolution, plus a tensor that is added, then an activation.</summary>
    public static void Conv(OperatorCall call)
    {
        var y = Convolutions.Convolved(call);
        if (call.Has(3)) y = call.Builder.Add(y, call.Node(3));
        var constants = call.Floats("activation_params");
        call.Set(FusedActivations.Named(call, y, call.Text("activation", ""), (k, otherwise) => Rational.FromDouble(constants is not null && k < constants.Count ? constants[k] : otherwise)));
    }
}
