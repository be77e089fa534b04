using Tiebreak.Numbers;
using Tiebreak.Programs;
using DataType = Onnx.TensorProto.Types.DataType;

namespace Tiebreak.Formats.Onnx.Lowering;

/// <summary>Fourier transforms as products with constant matrices, and the windows and mel matrices that go with them.</summary>
static class Spectra
{
    const long MostNumbers = 1 << 24;

    public static void Fourier(OperatorCall call)
    {
        var x = call.Node(0);
        var rank = x.Shape.Rank;
        // The axis became an operand in opset 20.
        var axis = call.Axis(call.Opset < 20 ? call.Int("axis", 1) : call.Has(2) ? call.Integers(2)[0] : -2, rank);
        if (rank < 2 || axis == rank - 1 || x.Shape[rank - 1] > 2) throw call.Fail($"its input of shape {x.Shape} must end in an axis of real and imaginary parts, and be transformed along another");
        var length = call.Has(1) ? call.Narrow(call.Integers(1), "length")[0] : x.Shape[axis];
        var inverse = call.Int("inverse", 0) != 0;
        if (length < 1 || (inverse && call.Int("onesided", 0) != 0)) throw call.Fail($"it transforms {length} numbers back from one side, which is not supported");
        var positions = new int[]?[rank];
        positions[axis] = [.. Enumerable.Range(0, length).Select(k => k < x.Shape[axis] ? k : -1)];
        var cut = call.NodeOf(ValueMoves.Grid(call, Value.Of(x), positions));
        call.Set(Transformed(call, cut, axis, call.Int("onesided", 0) != 0 ? length / 2 + 1 : length, inverse));
    }

    /// <summary>Frames of a signal, each under a window, transformed.</summary>
    public static void ShortTime(OperatorCall call)
    {
        var builder = call.Builder;
        var x = call.Node(0);
        if (x.Shape.Rank == 2) x = builder.Reshape(x, new Shape([.. x.Shape.Sizes, 1]));
        var step = call.Narrow(call.Integers(1), "step")[0];
        var length = call.Has(3) ? call.Narrow(call.Integers(3), "length")[0] : call.Has(2) ? call.Shape(2)[0] : throw call.Fail("it has neither a window nor a frame length");
        if (x.Shape.Rank != 3 || x.Shape[2] > 2 || step < 1 || length < 1 || length > x.Shape[1] || (call.Has(2) && call.Shape(2) != new Shape(length))) throw call.Fail($"frames of {length} every {step} do not fit a signal of shape {x.Shape}");
        var strides = x.Shape.Strides();
        var framed = new Shape(x.Shape[0], (x.Shape[1] - length) / step + 1, length, x.Shape[2]);
        var frames = builder.Gather(x, new IndexMap.Affine(x.Shape, framed, 0, new Axes(strides[0], checked(step * strides[1]), strides[1], strides[2])));
        if (call.Has(2)) frames = builder.Multiply(frames, builder.Broadcast(call.Node(2), framed, 0, 1, 3));
        call.Set(Transformed(call, frames, 2, call.Int("onesided", 1) != 0 ? length / 2 + 1 : length, inverse: false));
    }

    /// <summary>Along an axis; the last one holds real and perhaps imaginary parts, and holds both after it.</summary>
    static Node Transformed(OperatorCall call, Node x, int axis, int bins, bool inverse)
    {
        var (size, parts) = (x.Shape[axis], x.Shape[x.Shape.Rank - 1]);
        if (4L * bins * size > MostNumbers) throw call.Fail($"it transforms {size} numbers, which is too large; choose smaller sizes");
        var matrix = new double[bins * 2 * size * parts];
        for (var bin = 0; bin < bins; bin++)
        {
            for (var k = 0; k < size; k++)
            {
                var (cosine, sine) = (Turns.Cosine((long)bin * k % size, size), Turns.Sine((long)bin * k % size, size));
                if (inverse) sine = -sine;
                // (cos − i·sin)(real + i·imaginary)
                var (real, imaginary) = (((bin * 2) * size + k) * parts, ((bin * 2 + 1) * size + k) * parts);
                (matrix[real], matrix[imaginary]) = (cosine, -sine);
                if (parts == 2) (matrix[real + 1], matrix[imaginary + 1]) = (sine, cosine);
            }
        }

        var letters = new AxisLetters();
        var own = letters.Take(x.Shape.Rank);
        var (bin0, part) = (letters.Take(1), letters.Take(1));
        var y = call.Builder.Contract(own, bin0 + part + own[axis] + own[^1], own[..axis] + bin0 + own[(axis + 1)..^1] + part, x, call.Builder.Constant(new DoubleTensor(matrix), new Shape(bins, 2, size, parts)));
        return inverse ? call.Builder.Scale(y, new Rational(1, size)) : y;
    }

    public static void HannWindow(OperatorCall call) => Window(call, [new Rational(1, 2), new Rational(-1, 2)]);

    public static void HammingWindow(OperatorCall call) => Window(call, [new Rational(25, 46), new Rational(-21, 46)]);

    public static void BlackmanWindow(OperatorCall call) => Window(call, [new Rational(21, 50), new Rational(-1, 2), new Rational(2, 25)]);

    /// <summary>Σ factors[j] · cos(2π j·k / period), a constant.</summary>
    static void Window(OperatorCall call, Rational[] factors)
    {
        var size = call.Narrow(call.Integers(0), "size")[0];
        if (size is < 1 or > 1 << 20) throw call.Fail($"its window would have size {size}");
        if (TensorReader.FormatOf((DataType)call.Int("output_datatype", (long)DataType.Float)) is null) throw call.Fail("its window holds whole numbers, which is not supported; export the model with a window of real numbers");
        var period = Math.Max(1, call.Int("periodic", 1) != 0 ? size : size - 1);
        var window = new Rational[size];
        for (var k = 0; k < size; k++)
            for (var j = 0; j < factors.Length; j++) window[k] += factors[j] * Rational.FromDouble(Turns.Cosine((long)j * k % period, period));
        call.Set(0, Value.Of(new Shape(size), new RationalTensor(window)));
    }

    /// <summary>Triangles over the bins of a spectrum, evenly spaced in pitch.</summary>
    public static void MelWeightMatrix(OperatorCall call)
    {
        var (mels, length, rate) = ((int)ConstantFolding.Whole(call.Setting(0)), (int)ConstantFolding.Whole(call.Setting(1)), (double)ConstantFolding.Whole(call.Setting(2)));
        var (low, high) = (Mel(call.Setting(3).ToDouble()), Mel(call.Setting(4).ToDouble()));
        var bins = length / 2 + 1;
        if (mels < 1 || length < 1 || (long)mels * bins > MostNumbers || rate <= 0) throw call.Fail($"{mels} bands over {bins} bins are out of range");
        var edges = new int[mels + 2];
        for (var k = 0; k < edges.Length; k++)
        {
            var hertz = 700 * (Math.Pow(10, (k * (high - low) / edges.Length + low) / 2595) - 1);
            edges[k] = (int)Math.Floor((length + 1) * hertz / rate);
            if (edges[k] < 0 || edges[k] > bins) throw call.Fail($"its band {k} lies outside the spectrum");
        }

        var weights = new Rational[bins * mels];
        for (var band = 0; band < mels; band++)
        {
            var (begin, centre, end) = (edges[band], edges[band + 1], edges[band + 2]);
            for (var bin = begin; bin <= Math.Min(centre, bins - 1); bin++) weights[bin * mels + band] = begin == centre ? Rational.One : new Rational(bin - begin, centre - begin);
            for (var bin = centre; bin < end; bin++) weights[bin * mels + band] = new Rational(end - bin, end - centre);
        }

        call.Set(0, Value.Of(new Shape(bins, mels), new RationalTensor(weights)));

        static double Mel(double hertz) => 2595 * Math.Log10(1 + hertz / 700);
    }
}
