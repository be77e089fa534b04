namespace Tiebreak.Formats.Onnx;

/// <summary>Recognises what people most often hand over in place of an ONNX file, to say so instead of "malformed".</summary>
static class ForeignContent
{
    /// <summary>Throws if the file begins like another format.</summary>
    /// <exception cref="TiebreakException">It does.</exception>
    public static void Refuse(MappedFile file)
    {
        var head = file.Slice(0, (int)Math.Min(file.Length, 64));
        var evidence =
            head.StartsWith("PK\x03\x04"u8) ? "it is a zip archive (a PyTorch checkpoint, perhaps)"
            : head.StartsWith("version https://git-lfs"u8) ? "it is a Git LFS pointer; fetch the file itself with git lfs pull"
            : head.Length >= 4 && head[0] == 0x89 && head[1..4].SequenceEqual("HDF"u8) ? "it is an HDF5 file (a Keras model, perhaps)"
            : head.Length >= 2 && head[0] == 0x1F && head[1] == 0x8B ? "it is gzip-compressed; unpack it"
            : head.Length >= 2 && head[0] == 0x80 && head[1] is >= 2 and <= 5 ? "it is a Python pickle (a PyTorch checkpoint, perhaps)"
            : head.Length >= 8 && head[4..8].SequenceEqual("TFL3"u8) ? "it is a TensorFlow Lite model"
            : head.Length >= 9 && head[8] == (byte)'{' && head[6] == 0 && head[7] == 0 ? "it looks like a safetensors file"
            : head.StartsWith("<"u8) || head.StartsWith("{"u8) ? "it is text"
            : null;
        if (evidence is not null) throw OnnxErrors.NotOnnx(file.Path, evidence);
    }
}
