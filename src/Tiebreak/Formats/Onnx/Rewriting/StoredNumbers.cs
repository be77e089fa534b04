using Tiebreak.Numbers;

namespace Tiebreak.Formats.Onnx.Rewriting;

/// <summary>The edits that give new numbers to a message that keeps them itself: as raw bytes, or in one of the typed fields, packed or not and perhaps in pieces.</summary>
static class StoredNumbers
{
    const int RawData = 9;

    /// <summary>The edits for a tensor whose bytes are in the file.</summary>
    /// <param name="file">The file.</param>
    /// <param name="place">Its TensorProto.</param>
    /// <param name="format">How it stores numbers.</param>
    /// <param name="values">The new ones, as many as it has.</param>
    /// <param name="owner">Its name.</param>
    public static IEnumerable<FileEdit> OfTensor(MappedFile file, WirePlace place, FloatFormat format, ExactTensor values, string owner)
    {
        // Of raw data given twice the last counts, as protocol buffers have it.
        var raw = WireField.In(file, place.Start, place.End).LastOrDefault(field => field.Number == RawData);
        if (raw.Number == RawData) return [new FileEdit(raw.Content, raw.End, new NumberBytes(values, format, 0, values.Count), owner)];
        return format switch
        {
            FloatFormat.Float32 => OfField(file, place, 4, format, values, owner),
            FloatFormat.Float64 => OfField(file, place, 10, format, values, owner),
            _ => OfVarints(file, place, 5, format, values, owner),
        };
    }

    /// <summary>The edits for a repeated (or single) field of floats or doubles.</summary>
    public static IEnumerable<FileEdit> OfField(MappedFile file, WirePlace place, int number, FloatFormat format, ExactTensor values, string owner)
    {
        long first = 0;
        foreach (var field in WireField.In(file, place.Start, place.End).Where(field => field.Number == number))
        {
            var count = (field.End - field.Content) / format.Size();
            if (count > 0) yield return new FileEdit(field.Content, field.End, new NumberBytes(values, format, first, count), owner);
            first += count;
        }
    }

    /// <summary>Whether a tensor keeps its numbers itself in bytes that an edit replaces one for one.</summary>
    static IEnumerable<FileEdit> OfVarints(MappedFile file, WirePlace place, int number, FloatFormat format, ExactTensor values, string owner)
    {
        long first = 0;
        foreach (var field in WireField.In(file, place.Start, place.End).Where(field => field.Number == number))
        {
            var bytes = new List<byte>();
            for (var position = field.Content; position < field.End; first++)
            {
                var start = position;
                var old = (ushort)WireField.Varint(file, ref position);
                var value = new double[1];
                values.ReadDoubles(first, value);
                var now = format.Bits16(value[0]);
                if (format.Round(value[0]) != value[0] && !double.IsNaN(value[0])) throw new ArgumentException($"{value[0]:R} is no number of {format}");
                if (now == old) bytes.AddRange(file.Slice(start, (int)(position - start)));
                else bytes.AddRange(WireField.Varint(now));
            }

            yield return new FileEdit(field.Content, field.End, new PlainBytes(bytes.ToArray()), owner);
        }
    }
}
