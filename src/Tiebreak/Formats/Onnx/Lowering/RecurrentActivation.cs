using Tiebreak.Formats.Layers;
using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Onnx.Lowering;

/// <summary>The functions that gates of recurrent layers may have, by the standard's names in any case.</summary>
static class RecurrentActivation
{
    /// <summary>Whether the function takes a value of activation_alpha.</summary>
    public static bool HasAlpha(string name) => name.ToUpperInvariant() is "AFFINE" or "LEAKYRELU" or "THRESHOLDEDRELU" or "SCALEDTANH" or "HARDSIGMOID" or "ELU";

    /// <summary>Whether the function takes a value of activation_beta.</summary>
    public static bool HasBeta(string name) => name.ToUpperInvariant() is "AFFINE" or "SCALEDTANH" or "HARDSIGMOID";

    /// <summary>The function with its constants, which have defaults where the operators of the same name have.</summary>
    public static Func<Node, Node> Of(OperatorCall call, string name, Rational? alpha, Rational? beta)
    {
        var builder = call.Builder;
        return name.ToUpperInvariant() switch
        {
            "SIGMOID" => x => Nonlinearities.Sigmoid(builder, x),
            "TANH" => x => builder.Apply(FunctionKind.Tanh, x),
            "RELU" => x => Nonlinearities.Relu(builder, x),
            "SOFTSIGN" => x => Activations.Softsign(builder, x),
            "SOFTPLUS" => x => Activations.Softplus(builder, x),
            "LEAKYRELU" => x => Activations.LeakyRelu(builder, x, alpha ?? Rational.FromDouble(0.01f)),
            "HARDSIGMOID" => x => Activations.HardSigmoid(builder, x, alpha ?? Rational.FromDouble(0.2f), beta ?? new Rational(1, 2)),
            "ELU" => x => Activations.ExponentialBelow(builder, x, alpha ?? Rational.One, Rational.One),
            "THRESHOLDEDRELU" => x => Activations.Above(builder, x, alpha ?? Rational.One),
            "AFFINE" => x => builder.Offset(builder.Scale(x, alpha ?? Rational.One), beta ?? Rational.Zero),
            "SCALEDTANH" => x => builder.Scale(builder.Apply(FunctionKind.Tanh, builder.Scale(x, beta ?? Rational.One)), alpha ?? Rational.One),
            _ => throw call.Fail($"its activation `{name}` is not known; known are those of the standard, such as Sigmoid, Tanh, Relu and HardSigmoid"),
        };
    }
}
