using Tiebreak.Formats.Safetensors;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Families;

/// <summary>What can be wrong with an adapter, one message an error: the file, the tensor, what is wrong and the remedy.</summary>
static class LoraErrors
{
    public static TiebreakException OtherKind(string path, string kind) => new($"{path}: is an adapter of kind {kind}, which is not supported; supported is LORA: merge the adapter into its base and check that");

    public static TiebreakException PatternNotSupported(string path, string pattern) =>
        new($"{path}: `alpha_pattern` has the regular expression `{pattern}`, which is not supported; write the names of its layers one by one");

    public static TiebreakException OtherName(SafetensorsTensor tensor, string prefix) =>
        new($"{tensor.Path}: tensor `{tensor.Name}` has no name that PEFT gives (`{prefix}…`); save the adapter with save_pretrained");

    public static TiebreakException NoPartner(SafetensorsTensor down, string up) => new($"{down.Path}: there is `{down.Name}` but no `{up}`; save the adapter again");

    public static TiebreakException Misfit(SafetensorsTensor down, SafetensorsTensor up) =>
        new($"{down.Path}: tensors `{down.Name}` of shape {down.Shape} and `{up.Name}` of shape {up.Shape} do not have a rank in common; save the adapter again");

    public static TiebreakException OtherLayer(SafetensorsTensor down, SafetensorsTensor up, ConfigSize inputs, ConfigSize outputs, string config) =>
        new($"{down.Path}: tensors `{down.Name}` of shape {down.Shape} and `{up.Name}` of shape {up.Shape} do not fit a layer that {config} makes {new Shape(outputs, inputs)} ({outputs}, {inputs}); take the base it was trained on");

    public static TiebreakException OtherShape(SafetensorsTensor tensor, Shape shape, string home) =>
        new($"{tensor.Path}: tensor `{tensor.Name}` of shape {tensor.Shape} is to take the place of one of shape {shape} in {home}; take the base it was trained on");

    public static TiebreakException OfBase(string tensor, string path) =>
        new($"{path}: tensor `{tensor}` is of the base, which stays as it is while the adapter is written; leave `--trainable` out, or repair the base by itself");

    public static TiebreakException BaseOutOfReach(string path, string name, string folder) =>
        new($"{path}: its base `{name}` is not found from `{folder}`; name an OUT beside the adapter");

    public static TiebreakException AdaptsNothing(SafetensorsTensor tensor, string home) =>
        new($"{tensor.Path}: tensor `{tensor.Name}` adapts a layer that {home} does not have, or one that cannot be adapted here; take the base it was trained on, or merge the adapter into it");
}
