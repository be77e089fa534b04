using System.Buffers.Binary;
using global::Onnx;
using Tiebreak.Numbers;
using Tiebreak.Programs;
using DataType = Onnx.TensorProto.Types.DataType;

namespace Tiebreak.Formats.Onnx;

/// <summary>Turns a TensorProto into exact numbers, wherever it keeps them: in the mapped file, in its typed fields or in external data.</summary>
sealed class TensorReader(string path, WireIndex index, ExternalData external)
{
    /// <summary>Integers are for shapes; more than these would not be read sensibly.</summary>
    const long MostIntegers = 1 << 26;

    /// <summary>The tensor's content.</summary>
    /// <exception cref="TiebreakException">Its type is not supported, or type, shape and bytes do not fit together; names the tensor.</exception>
    public OnnxTensor Read(TensorProto tensor)
    {
        var shape = ShapeOf(tensor);
        var type = (DataType)tensor.DataType;
        if (FormatOf(type) is { } format) return new OnnxTensor(shape, ElementKind.Float, Floats(tensor, shape, format), null);
        var size = IntegerSize(type);
        if (size == 0) throw Fail(tensor, $"has elements of type {type.ToString().ToUpperInvariant()}, which is not supported; export the model with float or integer tensors");
        if (shape.Count > MostIntegers) throw Fail(tensor, $"has {shape.Count} integers, more than the {MostIntegers} that are read");
        return new OnnxTensor(shape, type == DataType.Bool ? ElementKind.Bool : ElementKind.Integer, null, Integers(tensor, shape, type, size));
    }

    /// <summary>How a floating-point type is stored; null for other types.</summary>
    public static FloatFormat? FormatOf(DataType type) => type switch
    {
        DataType.Float => FloatFormat.Float32,
        DataType.Double => FloatFormat.Float64,
        DataType.Float16 => FloatFormat.Float16,
        DataType.Bfloat16 => FloatFormat.BFloat16,
        _ => null,
    };

    /// <summary>The bytes of a tensor that keeps them as raw data or outside the file; null if it uses its typed fields.</summary>
    /// <exception cref="TiebreakException">Type, shape and bytes do not fit together.</exception>
    public ByteRange? Stored(TensorProto tensor)
    {
        if (tensor.DataLocation != TensorProto.Types.DataLocation.External) return tensor.HasRawData ? index.Payloads[WireIndex.NumberIn(tensor.RawData.Span)] : null;
        var type = (DataType)tensor.DataType;
        var size = FormatOf(type) is { } format ? MappedTensor.SizeOf(format) : IntegerSize(type);
        return size == 0 ? throw Fail(tensor, $"has elements of type {type.ToString().ToUpperInvariant()} outside the file, which cannot be copied") : Bytes(tensor, ShapeOf(tensor), size);
    }

    Shape ShapeOf(TensorProto tensor)
    {
        var sizes = new int[tensor.Dims.Count];
        for (var axis = 0; axis < sizes.Length; axis++)
        {
            if (tensor.Dims[axis] is < 0 or > int.MaxValue) throw Fail(tensor, $"has a size of {tensor.Dims[axis]}; export the model again");
            sizes[axis] = (int)tensor.Dims[axis];
        }

        var shape = new Shape(sizes);
        try
        {
            _ = shape.Count;
        }
        catch (OverflowException)
        {
            throw Fail(tensor, $"has a shape {shape} of more elements than can be counted; export the model again");
        }

        return shape;
    }

    ExactTensor Floats(TensorProto tensor, Shape shape, FloatFormat format)
    {
        if (Bytes(tensor, shape, MappedTensor.SizeOf(format)) is { } range) return Simplest(new MappedTensor(range, format));
        if (shape.Count == 0) return new DoubleTensor([]);
        var count = format switch { FloatFormat.Float32 => tensor.FloatData.Count, FloatFormat.Float64 => tensor.DoubleData.Count, _ => tensor.Int32Data.Count };
        RequireCount(tensor, shape, count);
        var values = new double[count];
        for (var k = 0; k < count; k++)
        {
            values[k] = format switch
            {
                FloatFormat.Float32 => tensor.FloatData[k],
                FloatFormat.Float64 => tensor.DoubleData[k],
                FloatFormat.Float16 => (double)BitConverter.UInt16BitsToHalf((ushort)tensor.Int32Data[k]),
                _ => MappedTensor.BFloat16((ushort)tensor.Int32Data[k]),
            };
        }

        return Simplest(new DoubleTensor(values));
    }

    /// <summary>A single finite number is a uniform tensor, so that equal ones are equal.</summary>
    static ExactTensor Simplest(ExactTensor tensor)
    {
        if (tensor.Count != 1) return tensor;
        Span<double> one = stackalloc double[1];
        tensor.ReadDoubles(0, one);
        return double.IsFinite(one[0]) ? new UniformTensor(1, Rational.FromDouble(one[0])) : new DoubleTensor([one[0]]);
    }

    long[] Integers(TensorProto tensor, Shape shape, DataType type, int size)
    {
        var values = new long[shape.Count];
        if (Bytes(tensor, shape, size) is { } range)
        {
            var bytes = range.File.Slice(range.Offset, (int)range.Length);
            for (var k = 0; k < values.Length; k++) values[k] = Integer(bytes.Slice(k * size, size), type);
            return values;
        }

        if (values.Length == 0) return values;
        RequireCount(tensor, shape, type switch { DataType.Int64 => tensor.Int64Data.Count, DataType.Uint32 or DataType.Uint64 => tensor.Uint64Data.Count, _ => tensor.Int32Data.Count });
        for (var k = 0; k < values.Length; k++)
            values[k] = type switch { DataType.Int64 => tensor.Int64Data[k], DataType.Uint32 or DataType.Uint64 => (long)tensor.Uint64Data[k], _ => tensor.Int32Data[k] };
        return values;
    }

    static int IntegerSize(DataType type) => type switch
    {
        DataType.Bool or DataType.Int8 or DataType.Uint8 => 1,
        DataType.Int16 or DataType.Uint16 => 2,
        DataType.Int32 or DataType.Uint32 => 4,
        DataType.Int64 or DataType.Uint64 => 8,
        _ => 0,
    };

    static long Integer(ReadOnlySpan<byte> bytes, DataType type) => type switch
    {
        DataType.Bool => bytes[0] == 0 ? 0 : 1,
        DataType.Int8 => (sbyte)bytes[0],
        DataType.Uint8 => bytes[0],
        DataType.Int16 => BinaryPrimitives.ReadInt16LittleEndian(bytes),
        DataType.Uint16 => BinaryPrimitives.ReadUInt16LittleEndian(bytes),
        DataType.Int32 => BinaryPrimitives.ReadInt32LittleEndian(bytes),
        DataType.Uint32 => BinaryPrimitives.ReadUInt32LittleEndian(bytes),
        _ => BinaryPrimitives.ReadInt64LittleEndian(bytes),
    };

    /// <summary>The tensor's raw bytes, checked against its shape; null when it uses its typed fields.</summary>
    ByteRange? Bytes(TensorProto tensor, Shape shape, int size)
    {
        var length = checked(shape.Count * size);
        if (tensor.DataLocation == TensorProto.Types.DataLocation.External) return external.Find(tensor, length);
        if (!tensor.HasRawData) return null;
        var range = index.Payloads[WireIndex.NumberIn(tensor.RawData.Span)];
        if (range.Length != length) throw Fail(tensor, $"has {range.Length} raw bytes, but shape {shape} at {size} bytes an element asks for {length}; the file is damaged: export it again");
        return range;
    }

    void RequireCount(TensorProto tensor, Shape shape, int count)
    {
        if (count != shape.Count) throw Fail(tensor, $"has {count} values, but shape {shape} asks for {shape.Count}; the file is damaged: export it again");
    }

    TiebreakException Fail(TensorProto tensor, string problem) => OnnxErrors.Tensor(path, tensor.Name, problem);
}
