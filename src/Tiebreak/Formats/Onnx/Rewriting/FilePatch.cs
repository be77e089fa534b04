namespace Tiebreak.Formats.Onnx.Rewriting;

/// <summary>Some bytes of a file and what takes their place.</summary>
/// <param name="Start">The first byte.</param>
/// <param name="End">Beyond the last.</param>
/// <param name="Bytes">The new ones.</param>
/// <param name="Owner">The tensor they belong to, for messages.</param>
sealed record FileEdit(long Start, long End, NewBytes Bytes, string Owner)
{
    /// <summary>How many more bytes there are afterwards.</summary>
    public long Growth => Bytes.Length - (End - Start);
}

/// <summary>A copy of a file with some bytes replaced, written in one pass: no part of it but a block is ever in memory.</summary>
static class FilePatch
{
    const int Block = 1 << 20;

    /// <summary>Writes the copy.</summary>
    /// <exception cref="TiebreakException">Two tensors are to be changed that share their bytes.</exception>
    public static void Write(MappedFile file, IEnumerable<FileEdit> edits, Stream stream, CancellationToken cancellation)
    {
        long position = 0;
        FileEdit? last = null;
        foreach (var edit in edits.OrderBy(edit => edit.Start))
        {
            if (edit.Start < position) throw new TiebreakException($"{file.Path}: `{last!.Owner}` and `{edit.Owner}` share their numbers in the file, so they cannot be given different ones; export the model with copies of its own for each");
            Copy(file, position, edit.Start, stream, cancellation);
            edit.Bytes.WriteTo(stream, cancellation);
            position = edit.End;
            last = edit;
        }

        Copy(file, position, file.Length, stream, cancellation);
    }

    static void Copy(MappedFile file, long start, long end, Stream stream, CancellationToken cancellation)
    {
        for (; start < end; start += Block)
        {
            cancellation.ThrowIfCancellationRequested();
            stream.Write(file.Slice(start, (int)Math.Min(Block, end - start)));
        }
    }
}
