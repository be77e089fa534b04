using global::Onnx;
using Google.Protobuf;
using Tiebreak.Formats;
using Tiebreak.Formats.Onnx;
using Tiebreak.Programs;
using DataType = Onnx.TensorProto.Types.DataType;

namespace Tiebreak.Conformance;

/// <summary>The tensors of one test_data_set folder.</summary>
sealed class CaseTensors(string folder)
{
    /// <summary>An input; null where the case leaves it out.</summary>
    public TensorProto? Input(int k) => Read($"input_{k}.pb");

    /// <summary>An expected output; null where the case has none.</summary>
    public TensorProto? Output(int k) => Read($"output_{k}.pb");

    /// <summary>The sizes that the inputs have along the axes that the model leaves free.</summary>
    public Dictionary<string, int> FreeSizes(GraphProto graph)
    {
        var sizes = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var k = 0; k < graph.Input.Count; k++)
        {
            if (graph.Input[k].Type?.TensorType?.Shape is not { } shape || Input(k) is not { } tensor) continue;
            for (var axis = 0; axis < Math.Min(shape.Dim.Count, tensor.Dims.Count); axis++)
                if (shape.Dim[axis].DimValue <= 0) sizes[shape.Dim[axis].DimParam is { Length: > 0 } name ? name : $"{graph.Input[k].Name}.{axis}"] = (int)tensor.Dims[axis];
        }

        return sizes;
    }

    /// <summary>A tensor's numbers.</summary>
    /// <param name="tensor">The tensor.</param>
    /// <param name="declared">The type that the model states: old generators of the suite store bfloat16 as uint16.</param>
    /// <exception cref="InvalidDataException">Its content is no list of numbers of its type and shape.</exception>
    public static double[] Numbers(TensorProto tensor, DataType declared)
    {
        var type = declared == DataType.Bfloat16 ? declared : (DataType)tensor.DataType;
        var count = new Shape([.. tensor.Dims.Select(size => checked((int)size))]).Count;
        var raw = tensor.RawData.Span;
        var numbers = new double[count];
        if (tensor.HasRawData)
        {
            if (SizeOf(type) * count != raw.Length) throw new InvalidDataException($"a tensor of {count} numbers of type {type} has {raw.Length} bytes");
            for (var k = 0; k < numbers.Length; k++) numbers[k] = Number(raw[(k * SizeOf(type))..], type);
            return numbers;
        }

        _ = SizeOf(type);
        var stored = type switch { DataType.Float => tensor.FloatData.Count, DataType.Double => tensor.DoubleData.Count, DataType.Int64 => tensor.Int64Data.Count, DataType.Uint32 or DataType.Uint64 => tensor.Uint64Data.Count, _ => tensor.Int32Data.Count };
        if (stored != count) throw new InvalidDataException($"a tensor of {count} numbers of type {type} holds {stored}");
        for (var k = 0; k < numbers.Length; k++)
        {
            numbers[k] = type switch
            {
                DataType.Float => tensor.FloatData[k],
                DataType.Double => tensor.DoubleData[k],
                DataType.Int64 => tensor.Int64Data[k],
                DataType.Uint32 or DataType.Uint64 => tensor.Uint64Data[k],
                DataType.Float16 or DataType.Bfloat16 => Number(BitConverter.GetBytes((ushort)tensor.Int32Data[k]), type),
                _ => tensor.Int32Data[k],
            };
        }

        return numbers;
    }

    static int SizeOf(DataType type) => type switch
    {
        DataType.Bool or DataType.Int8 or DataType.Uint8 => 1,
        DataType.Float16 or DataType.Bfloat16 or DataType.Int16 or DataType.Uint16 => 2,
        DataType.Float or DataType.Int32 or DataType.Uint32 => 4,
        DataType.Double or DataType.Int64 or DataType.Uint64 => 8,
        _ => throw new InvalidDataException($"tensors of type {type} are not read"),
    };

    static double Number(ReadOnlySpan<byte> bytes, DataType type) => type switch
    {
        DataType.Float => BitConverter.ToSingle(bytes),
        DataType.Double => BitConverter.ToDouble(bytes),
        DataType.Float16 => (double)BitConverter.ToHalf(bytes),
        DataType.Bfloat16 => MappedTensor.BFloat16(BitConverter.ToUInt16(bytes)),
        DataType.Bool => bytes[0] == 0 ? 0 : 1,
        DataType.Int8 => (sbyte)bytes[0],
        DataType.Uint8 => bytes[0],
        DataType.Int16 => BitConverter.ToInt16(bytes),
        DataType.Uint16 => BitConverter.ToUInt16(bytes),
        DataType.Int32 => BitConverter.ToInt32(bytes),
        DataType.Uint32 => BitConverter.ToUInt32(bytes),
        DataType.Int64 => BitConverter.ToInt64(bytes),
        _ => BitConverter.ToUInt64(bytes),
    };

    TensorProto? Read(string name)
    {
        var path = Path.Combine(folder, name);
        return File.Exists(path) ? TensorProto.Parser.ParseFrom(File.ReadAllBytes(path)) : null;
    }
}
