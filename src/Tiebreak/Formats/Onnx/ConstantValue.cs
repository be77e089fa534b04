using global::Onnx;
using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Onnx;

/// <summary>What Constant and ConstantOfShape nodes hold.</summary>
static class ConstantValue
{
    /// <summary>The tensor of a Constant node; null for strings and sparse tensors.</summary>
    public static OnnxTensor? Read(NodeProto node, TensorReader tensors)
    {
        foreach (var attribute in node.Attribute)
        {
            switch (attribute.Name)
            {
                case "value" when attribute.T is not null:
                    return tensors.Read(attribute.T);
                case "value_float":
                    return Floats(Shape.Scalar, [attribute.F]);
                case "value_floats":
                    return Floats(new Shape(attribute.Floats.Count), [.. attribute.Floats]);
                case "value_int":
                    return new OnnxTensor(Shape.Scalar, ElementKind.Integer, null, [attribute.I]);
                case "value_ints":
                    return new OnnxTensor(new Shape(attribute.Ints.Count), ElementKind.Integer, null, [.. attribute.Ints]);
            }
        }

        return null;
    }

    /// <summary>The tensor of a ConstantOfShape node once its sizes are known; a uniform one, whatever its size.</summary>
    /// <exception cref="TiebreakException">A size is out of range.</exception>
    public static OnnxTensor Fill(NodeProto node, long[] sizes, OnnxGraph graph)
    {
        const long mostIntegers = 1 << 24;
        if (Array.Exists(sizes, size => size is < 0 or > int.MaxValue)) throw OnnxErrors.Tensor(graph.Path, node.Output[0], $"would have shape [{string.Join(",", sizes)}]; sizes must be at least 0 and below 2^31");
        var shape = new Shape([.. sizes.Select(size => (int)size)]);
        long count;
        try
        {
            count = shape.Count;
        }
        catch (OverflowException)
        {
            throw OnnxErrors.Tensor(graph.Path, node.Output[0], $"would have shape {shape}, more elements than can be counted; export the model again");
        }

        var value = node.Attribute.FirstOrDefault(attribute => string.Equals(attribute.Name, "value", StringComparison.Ordinal))?.T is { } tensor ? graph.Tensors.Read(tensor) : null;
        if (value is { Floats: null, Integers: { } integers })
        {
            if (count > mostIntegers || integers.Length != 1) throw OnnxErrors.Tensor(graph.Path, node.Output[0], $"would hold {count} integers, more than the {mostIntegers} that are computed with");
            var filled = new long[count];
            Array.Fill(filled, integers[0]);
            return new OnnxTensor(shape, value.Kind, null, filled);
        }

        return new OnnxTensor(shape, ElementKind.Float, Uniform(node, count, value, graph), null);
    }

    static ExactTensor Uniform(NodeProto node, long count, OnnxTensor? value, OnnxGraph graph)
    {
        if (value is null) return new UniformTensor(count, Rational.Zero);
        if (value.Floats is UniformTensor { Count: 1 } one) return new UniformTensor(count, one.Value);
        if (value.Floats!.Count != 1) throw OnnxErrors.Tensor(graph.Path, node.Output[0], "is filled with a tensor of more than one number; export the model again");
        Span<double> single = stackalloc double[1];
        value.Floats.ReadDoubles(0, single);
        if (count > 1 << 24) throw OnnxErrors.Tensor(graph.Path, node.Output[0], $"holds {count} times {single[0]}; weights must be finite");
        var values = new double[count];
        Array.Fill(values, single[0]); // NaN or infinite: no fraction, so no uniform tensor
        return new DoubleTensor(values);
    }

    static OnnxTensor Floats(Shape shape, float[] values)
    {
        var doubles = Array.ConvertAll(values, value => (double)value);
        return new OnnxTensor(shape, ElementKind.Float, doubles.Length == 1 && double.IsFinite(doubles[0]) ? new UniformTensor(1, Rational.FromDouble(doubles[0])) : new DoubleTensor(doubles), null);
    }
}
