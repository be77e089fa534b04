using System.IO.Compression;
using System.Text;

namespace Tiebreak.Formats.Tables;

/// <summary>An entry of a ZIP archive that was opened for it alone, so that several entries can be read in turns; goes with the entry when disposed.</summary>
sealed class ArchivedStream : Stream
{
    readonly ZipArchive _archive;
    readonly Stream _entry;

    /// <summary>Opens one entry.</summary>
    /// <param name="file">The archive; disposed with this stream.</param>
    /// <param name="index">Which entry.</param>
    public ArchivedStream(Stream file, int index)
    {
        try
        {
            _archive = new ZipArchive(file, ZipArchiveMode.Read, leaveOpen: false, Encoding.UTF8);
            if (index >= _archive.Entries.Count) throw new InvalidDataException("It has changed since it was opened.");
            _entry = _archive.Entries[index].Open();
        }
        catch
        {
            _archive?.Dispose();
            file.Dispose();
            throw;
        }
    }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override int Read(byte[] buffer, int offset, int count) => _entry.Read(buffer, offset, count);

    public override int Read(Span<byte> buffer) => _entry.Read(buffer);

    public override void Flush() { }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _entry.Dispose();
            _archive.Dispose();
        }

        base.Dispose(disposing);
    }
}
