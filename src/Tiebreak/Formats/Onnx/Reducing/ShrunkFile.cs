using global::Onnx;
using Google.Protobuf;
using Tiebreak.Formats.Onnx.Rewriting;
using Tiebreak.Numbers;
using DataType = Onnx.TensorProto.Types.DataType;

namespace Tiebreak.Formats.Onnx.Reducing;

/// <summary>Writes a changed graph: in one message where that stays small, else with its tensors in a file beside it, as a message ends at two gibibytes.</summary>
static class ShrunkFile
{
    /// <summary>Bytes of tensors up to which they stay in the message, half of what a message may have.</summary>
    public const long LargestMessage = 1 << 30;

    const int Alignment = 4096;
    const int SmallestOutside = 1024;

    /// <summary>Writes the model, and its data file if it needs one.</summary>
    /// <param name="shrunk">The graph.</param>
    /// <param name="tensors">Where the bytes of unchanged tensors are.</param>
    /// <param name="files">Where to.</param>
    /// <param name="largestMessage">Bytes of tensors up to which they stay in the message.</param>
    /// <exception cref="TiebreakException">A file cannot be written.</exception>
    public static void Write(ShrunkGraph shrunk, TensorReader tensors, StagedFiles files, long largestMessage)
    {
        var stored = TensorsIn(shrunk.Model.Graph).Select(tensor => (Tensor: tensor, Bytes: BytesOf(tensor, shrunk, tensors))).Where(tensor => tensor.Bytes is not null).ToArray();
        var isLarge = stored.Sum(tensor => tensor.Bytes!.Length) > largestMessage;
        if (isLarge)
        {
            var name = files.OwnName($"{files.Name}.data");
            files.Write(name, stream =>
            {
                foreach (var (tensor, bytes) in stored)
                    if (bytes!.Length >= SmallestOutside) WriteOutside(tensor, bytes, name, stream, files.Cancellation);
            });
        }

        foreach (var (tensor, bytes) in stored)
        {
            if (isLarge && bytes!.Length >= SmallestOutside) continue;
            using var memory = new MemoryStream();
            bytes!.WriteTo(memory, files.Cancellation);
            tensor.ExternalData.Clear();
            tensor.ClearDataLocation();
            tensor.RawData = UnsafeByteOperations.UnsafeWrap(memory.ToArray());
        }

        files.Write(files.Name, shrunk.Model.WriteTo);
    }

    static void WriteOutside(TensorProto tensor, NewBytes bytes, string name, Stream stream, CancellationToken cancellation)
    {
        var start = (stream.Position + Alignment - 1) / Alignment * Alignment;
        stream.Write(new byte[start - stream.Position]);
        bytes.WriteTo(stream, cancellation);
        tensor.ClearRawData();
        tensor.ExternalData.Clear();
        tensor.DataLocation = TensorProto.Types.DataLocation.External;
        foreach (var (key, value) in new[] { ("location", name), ("offset", start.ToString(System.Globalization.CultureInfo.InvariantCulture)), ("length", bytes.Length.ToString(System.Globalization.CultureInfo.InvariantCulture)) })
            tensor.ExternalData.Add(new StringStringEntryProto { Key = key, Value = value });
    }

    static NewBytes? BytesOf(TensorProto tensor, ShrunkGraph shrunk, TensorReader tensors)
    {
        if (shrunk.NewNumbers.TryGetValue(tensor, out var numbers)) return new RoundedBytes(numbers, TensorReader.FormatOf((DataType)tensor.DataType)!.Value);
        return tensors.Stored(tensor) is { } range ? new MappedBytes(range) : null;
    }

    static IEnumerable<TensorProto> TensorsIn(GraphProto graph)
    {
        foreach (var tensor in graph.Initializer) yield return tensor;
        foreach (var attribute in graph.Node.SelectMany(node => node.Attribute))
        {
            if (attribute.T is not null) yield return attribute.T;
            foreach (var tensor in attribute.Tensors) yield return tensor;
            foreach (var nested in attribute.Graphs.Append(attribute.G))
                if (nested is not null)
                    foreach (var tensor in TensorsIn(nested)) yield return tensor;
        }
    }

    /// <summary>Bytes of the old file.</summary>
    sealed class MappedBytes(ByteRange range) : NewBytes
    {
        const int Block = 1 << 20;

        public override long Length => range.Length;

        public override void WriteTo(Stream stream, CancellationToken cancellation)
        {
            for (long done = 0; done < range.Length; done += Block)
            {
                cancellation.ThrowIfCancellationRequested();
                stream.Write(range.File.Slice(range.Offset + done, (int)Math.Min(Block, range.Length - done)));
            }
        }
    }

    /// <summary>Numbers, each the nearest of the format.</summary>
    sealed class RoundedBytes(ExactTensor values, FloatFormat format) : NewBytes
    {
        const int Block = 1 << 16;

        public override long Length => values.Count * format.Size();

        public override void WriteTo(Stream stream, CancellationToken cancellation)
        {
            var size = format.Size();
            var numbers = new double[Math.Min(Block, values.Count)];
            var bytes = new byte[numbers.Length * size];
            for (long done = 0; done < values.Count; done += Block)
            {
                cancellation.ThrowIfCancellationRequested();
                var part = numbers.AsSpan(0, (int)Math.Min(Block, values.Count - done));
                values.ReadNearest(done, part);
                for (var k = 0; k < part.Length; k++) format.Write(bytes.AsSpan(k * size, size), format.Round(part[k]));
                stream.Write(bytes, 0, part.Length * size);
            }
        }
    }
}
