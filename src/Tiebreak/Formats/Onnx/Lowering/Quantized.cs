using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Onnx.Lowering;

/// <summary>Quantised weights: frozen constants, whose real numbers are exact. Quantised data has no gradient and is refused.</summary>
static class Quantized
{
    const int MostFractions = 1 << 20;

    public static void DequantizeLinear(OperatorCall call)
    {
        if (call.Input(0) is not { Integers: { } x } value) throw call.Fail("it dequantises data, and quantised activations have no gradient; give the model it was quantised from");
        var scales = call.Input(1) is { Node: null, Known: { } known } ? known : throw call.Fail("its scales must be constant; give the model it was quantised from");
        var zeros = call.Has(2) ? call.Integers(2) : null;
        var places = Places(call, value.Shape, call.Shape(1));
        if (zeros is not null && zeros.LongLength != scales.Count) throw call.Fail($"{zeros.Length} zero points do not fit {scales.Count} scales");
        var factors = new double[scales.Count];
        if (scales.HasDoubles) scales.ReadDoubles(0, factors);
        // A float32 has 24 bits: its product with a difference of 29 bits is exactly a double.
        if (scales.HasDoubles && Array.TrueForAll(factors, factor => (float)factor == factor) && Array.TrueForAll(x, number => Math.Abs(number) < 1 << 28) && (zeros is null || Array.TrueForAll(zeros, zero => Math.Abs(zero) < 1 << 28)))
        {
            call.Set(0, Value.Of(value.Shape, new DoubleTensor([.. x.Select((number, k) => (number - (zeros?[places(k)] ?? 0)) * factors[places(k)])])));
            return;
        }

        if (x.Length > MostFractions) throw call.Fail($"it dequantises {x.Length} numbers of more than 28 bits, which is too large; give the model it was quantised from");
        call.Set(0, Value.Of(value.Shape, ConstantFolding.Tensor([.. x.Select((number, k) => ((Rational)number - (zeros?[places(k)] ?? 0)) * scales[places(k)])])));
    }

    /// <summary>Which scale belongs to each number: one for all, one along an axis, or one for each block along it.</summary>
    static Func<int, int> Places(OperatorCall call, Shape shape, Shape scales)
    {
        if (scales.Count == 1) return _ => 0;
        var axis = call.Axis(call.Int("axis", 1), shape.Rank);
        var own = shape.Strides();
        if (scales.Rank == 1 && scales[0] == shape[axis]) return k => k / own[axis] % shape[axis];
        var block = (int)call.Int("block_size", 0);
        if (scales.Rank != shape.Rank || block < 1 || Enumerable.Range(0, shape.Rank).Any(other => scales[other] != (other == axis ? (shape[axis] + block - 1) / block : shape[other])))
            throw call.Fail($"scales of shape {scales} do not fit axis {axis} of {shape}");
        var strides = scales.Strides();
        return k =>
        {
            var place = 0;
            for (var other = 0; other < own.Length; other++) place += k / own[other] % shape[other] / (other == axis ? block : 1) * strides[other];
            return place;
        };
    }
}
