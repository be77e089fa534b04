using Tiebreak.Formats.Families;
using Tiebreak.Formats.Formulas;
using Tiebreak.Formats.Onnx;
using Tiebreak.Formats.Safetensors;

namespace Tiebreak.Formats;

/// <summary>Opens a model file of any known kind. The list of kinds is here.</summary>
public static class ModelFile
{
    /// <summary>How much of a file is looked at to tell text from binary.</summary>
    const int Glance = 4096;

    static readonly (string Extension, string Kind, bool IsText, Func<string, string?, IModelFile> Open)[] Kinds =
    [
        (".tb", "a formula", true, FormulaReader.Open),
        (".onnx", "an ONNX network", false, OnnxReader.Open),
        (".safetensors", "a checkpoint beside its config.json", false, FamilyReader.Open),
    ];

    /// <summary>Opens the folder of a checkpoint, or a file by its extension, after a look at whether its content can be what the extension says.</summary>
    /// <exception cref="TiebreakException">There is no such file, its kind is unknown, or its content is not of that kind; one line names the file and the remedy.</exception>
    public static IModelFile Open(string path) => Open(path, besides: null);

    /// <summary>Whether a path names a checkpoint: a folder, a safetensors file or an index.</summary>
    public static bool IsCheckpoint(string path) =>
        Directory.Exists(path) || path.EndsWith(SafetensorsCheckpoint.IndexEnd, StringComparison.Ordinal) || path.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase);

    /// <summary>Opens a new model that is not in its place yet; files beside it that were not written anew are found where it will be.</summary>
    /// <exception cref="TiebreakException">As for <see cref="Open(string)"/>.</exception>
    public static IModelFile Open(StagedFiles files) => Open(files.StagedModel, files.Folder);

    static IModelFile Open(string path, string? besides)
    {
        if (Directory.Exists(path)) return SafetensorsCheckpoint.IsIn(path) ? FamilyReader.Open(path) : throw new TiebreakException($"{path}: is a folder without a checkpoint (config.json and model.safetensors); name a model file ({Known})");
        if (path.EndsWith(SafetensorsCheckpoint.IndexEnd, StringComparison.Ordinal)) return FamilyReader.Open(path);
        var extension = Path.GetExtension(path);
        var (_, kind, isText, open) = Kinds.FirstOrDefault(known => string.Equals(known.Extension, extension, StringComparison.OrdinalIgnoreCase));
        if (open is null) throw new TiebreakException($"{path}: {(extension.Length == 0 ? "a file without extension" : $"the extension {extension}")} is not known; known are {Known}");
        switch (LooksLikeText(path))
        {
            case false when isText:
                throw new TiebreakException($"{path}: is named like {kind}, but its content is binary; was it renamed? Give it the extension of what it is ({Known})");
            case true when !isText:
                throw new TiebreakException($"{path}: is named like {kind}, but its content is text; was it renamed, or is it a download that failed?");
        }

        return open(path, besides);
    }

    static string Known => string.Join(", ", Kinds.Select(kind => $"{kind.Extension} ({kind.Kind})"));

    static bool LooksLikeText(string path)
    {
        try
        {
            if (!File.Exists(path)) throw new TiebreakException($"{path}: does not exist; check the path");
            var size = FileSize.Of(path);
            if (size == 0) throw new TiebreakException($"{path}: is empty; write or download it again");
            using var stream = File.OpenRead(path);
            var start = new byte[Math.Min(Glance, size)];
            stream.ReadExactly(start);

            // A protobuf message of more than a few bytes holds tags and lengths below the space; a text holds none but line ends and tabs.
            return Array.TrueForAll(start, symbol => symbol >= 0x20 ? symbol != 0x7F : symbol is (byte)'\n' or (byte)'\r' or (byte)'\t' or (byte)'\f');
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new TiebreakException($"{path}: cannot be read: {error.Message}", error);
        }
    }
}
