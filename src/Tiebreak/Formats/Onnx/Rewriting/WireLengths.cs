namespace Tiebreak.Formats.Onnx.Rewriting;

/// <summary>
/// Messages state their lengths, so an edit that makes one longer changes the lengths of all it lies in; and a longer length takes more bytes itself. This adds those edits, so that a file is
/// rewritten without anything being parsed and written anew.
/// </summary>
sealed class WireLengths
{
    readonly MappedFile _file;
    readonly FileEdit[] _edits; // that change a length, in order
    readonly List<FileEdit> _added = [];

    WireLengths(MappedFile file, FileEdit[] edits)
    {
        _file = file;
        _edits = edits;
    }

    /// <summary>The edits with those of the lengths around them. An edit covers a whole field, the content of one, or part of the content of one that is no message.</summary>
    public static IEnumerable<FileEdit> Adjusted(MappedFile file, IReadOnlyList<FileEdit> edits)
    {
        var lengths = new WireLengths(file, [.. edits.Where(edit => edit.Growth != 0).OrderBy(edit => edit.Start)]);
        if (lengths._edits.Length > 0) lengths.Growth(WireIndex.Message.Model, 0, file.Length);
        return edits.Concat(lengths._added);
    }

    long Growth(WireIndex.Message message, long start, long end)
    {
        long growth = 0;
        foreach (var field in WireField.In(_file, start, end))
        {
            var inside = Within(field.Start, field.End);
            if (inside.Length == 0) continue;
            if (field.Type != 2 || inside.Span[0].Start == field.Start)
            {
                growth += Sum(inside);
                continue;
            }

            var kind = WireIndex.FieldOf(message, field.Number);
            var isWhole = kind is WireIndex.Message.Leaf or WireIndex.Message.RawData || (inside.Span[0].Start == field.Content && inside.Span[0].End == field.End);
            var more = isWhole ? Sum(inside) : Growth(kind, field.Content, field.End);
            if (more == 0) continue;
            var length = new FileEdit(field.LengthAt, field.Content, new PlainBytes(WireField.Varint((ulong)(field.End - field.Content + more))), inside.Span[0].Owner);
            _added.Add(length);
            growth += more + length.Growth;
        }

        return growth;
    }

    ReadOnlyMemory<FileEdit> Within(long start, long end)
    {
        int first = 0, beyond = _edits.Length;
        while (first < beyond)
        {
            var middle = (first + beyond) / 2;
            if (_edits[middle].Start >= start) beyond = middle;
            else first = middle + 1;
        }

        var count = 0;
        while (first + count < _edits.Length && _edits[first + count].Start < end) count++;
        return _edits.AsMemory(first, count);
    }

    static long Sum(ReadOnlyMemory<FileEdit> edits)
    {
        long sum = 0;
        foreach (var edit in edits.Span) sum += edit.Growth;
        return sum;
    }
}
