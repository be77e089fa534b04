using Tiebreak.Formats.Safetensors;

namespace Tiebreak.MakeCheckpoint;

/// <summary>Makes the bytes of one tensor while they are written: random numbers, and over them what is copied.</summary>
/// <param name="plan">The tensor.</param>
/// <param name="type">How its numbers are stored.</param>
/// <param name="seed">Of all numbers.</param>
/// <param name="copies">The copies in this tensor.</param>
sealed class WeightStream(TensorPlan plan, SafetensorsType type, ulong seed, IReadOnlyList<Copied> copies)
{
    const int PartBytes = 1 << 20;
    const int PartsAtOnce = 16;

    readonly RandomWeights _random = new(copies.Select(copied => copied.Source).FirstOrDefault(source => source is not null) ?? plan.Name, plan.Deviation, plan.Center, seed);
    readonly int _size = type.SizeOf();

    /// <summary>Writes all of them.</summary>
    public void WriteTo(Stream stream)
    {
        var length = plan.Shape.Count * _size;
        var buffer = new byte[Math.Min(length, (long)PartBytes * PartsAtOnce)];
        for (long done = 0; done < length; done += buffer.Length)
        {
            var count = (int)Math.Min(buffer.Length, length - done);
            var first = done / _size;
            Parallel.For(0, (count + PartBytes - 1) / PartBytes, part => Make(first + (long)part * PartBytes / _size, buffer.AsSpan(part * PartBytes, Math.Min(PartBytes, count - part * PartBytes))));
            stream.Write(buffer, 0, count);
        }
    }

    void Make(long start, Span<byte> bytes)
    {
        Fill(start, bytes);
        foreach (var copied in copies)
            if (copied.Source is null) Copy(copied, start, bytes);
    }

    // Along the last axis each row has short pieces of a slice, along the first a slice is one piece.
    void Copy(Copied copied, long start, Span<byte> bytes)
    {
        var end = start + bytes.Length / _size;
        var piece = plan.Shape.Strides()[copied.Axis];
        var row = piece * plan.Shape[copied.Axis];
        for (var at = start / row * row; at < end; at += row)
        {
            foreach (var place in copied.Places.Skip(1))
            {
                var (from, to) = (at + copied.Places[0] * (long)piece, at + place * (long)piece);
                var (begin, stop) = (Math.Max(to, start), Math.Min(to + copied.Width * (long)piece, end));
                if (begin < stop) Fill(from + begin - to, bytes[(int)((begin - start) * _size)..(int)((stop - start) * _size)]);
            }
        }
    }

    void Fill(long start, Span<byte> bytes)
    {
        if (type == SafetensorsType.F32) _random.Float32(start, bytes);
        else if (type == SafetensorsType.BF16) _random.BFloat16(start, bytes);
        else _random.Float16(start, bytes);
    }
}
