using Tiebreak.Formats.Safetensors;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Families;

/// <summary>What can be wrong between a configuration and its weights, one message an error: the file, the tensor or key, what is wrong and the remedy.</summary>
static class FamilyErrors
{
    // 1. The configuration.

    public static TiebreakException NotJson(string path, Exception cause) => new($"{path}: is not JSON: {FileErrors.OneLine(cause.Message)}; download it again", cause);

    public static TiebreakException TooLong(string path, long length, long limit) => new($"{path}: has {length} bytes, more than the {limit} of any configuration; is it another file?");

    public static TiebreakException NoKey(string path, string key) => new($"{path}: has no `{key}`; take the configuration that was saved with these weights");

    public static TiebreakException Key(string path, string key, string wanted) => new($"{path}: `{key}` must be {wanted}; take the configuration that was saved with these weights");

    public static TiebreakException NotSupported(string path, string what) => new($"{path}: {what}, which is not supported; export the model to ONNX and check that");

    public static TiebreakException Misfit(string path, string problem) => new($"{path}: {problem}; take the configuration that was saved with these weights");

    // 2. The family.

    public static TiebreakException NoConfig(string folder, SafetensorsCheckpoint checkpoint) =>
        new($"{checkpoint.Path}: there is no config.json in {(folder.Length == 0 ? "its folder" : folder)}, which says how the weights are put together; add it, or export the model to ONNX") { Details = Listing(checkpoint) };

    public static TiebreakException UnknownFamily(string path, string family, string known, SafetensorsCheckpoint checkpoint) =>
        new($"{path}: the family `{family}` is not known; known are {known}; export the model to ONNX and check that") { Details = Listing(checkpoint) };

    // 3. The weights.

    public static TiebreakException NoTensor(string path, string tensor, IEnumerable<ConfigSize> sizes, string config, string? nearest) =>
        new($"{path}: holds no tensor `{tensor}`, which {config} makes {Sizes(sizes)}; {(nearest is null ? "download the checkpoint again, or take its own config.json" : $"did it get the name `{nearest}`?")}");

    public static TiebreakException WrongShape(SafetensorsTensor tensor, IEnumerable<ConfigSize> sizes, string config) =>
        new($"{tensor.Path}: tensor `{tensor.Name}` has the shape {tensor.Shape}, but {config} makes it {Sizes(sizes)}; take the configuration that was saved with these weights");

    public static TiebreakException NotOfFamily(SafetensorsTensor tensor, int others, string family, string config) =>
        new($"{tensor.Path}: tensor `{tensor.Name}`{(others > 0 ? $" and {others} more" : "")} is no part of the family `{family}` as {config} describes it; leave it out of the analysis with --freeze {tensor.Name}, or take the configuration that was saved with these weights");

    // 4. Sizes and options.

    public static TiebreakException TooLongSequence(string path, int length, string key, int most) =>
        new($"{path}: a sequence of {length} is longer than the {most} places of `{key}`; give a shorter one with --dim");

    public static TiebreakException OptionOfGraphs(string path, string option) => new($"{path}: {option} does not apply to a checkpoint: it has no operators of a graph; leave it out");

    /// <summary>Shape and the words it comes from: <c>[8,4] (vocab_size, hidden_size)</c>.</summary>
    static string Sizes(IEnumerable<ConfigSize> sizes)
    {
        var all = sizes.ToArray();
        return $"{new Shape([.. all.Select(size => size.Value)])} ({string.Join(", ", all)})";
    }

    /// <summary>What is known of the tensors by name and shape, those that differ by a number in their names together.</summary>
    static string Listing(SafetensorsCheckpoint checkpoint)
    {
        const int Most = 60;
        var kinds = checkpoint.Tensors
            .GroupBy(tensor => (Name: TensorNames.Numberless(tensor.Name), tensor.Shape, tensor.Type))
            .Select(kind => $"  {kind.Key.Name} {kind.Key.Shape} {kind.Key.Type.NameOf()}{(kind.Count() > 1 ? $" ({kind.Count()} of them)" : "")}")
            .ToArray();
        return string.Join('\n', ["its tensors:", .. kinds.Take(Most), .. kinds.Length > Most ? [$"  and {kinds.Length - Most} more kinds"] : Array.Empty<string>()]);
    }
}
