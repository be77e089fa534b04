using Tiebreak.Programs;

namespace Tiebreak.Formats.Safetensors;

/// <summary>Everything that can be wrong with a safetensors file or a checkpoint of several, one message an error: the file, the tensor, what is wrong and the remedy.</summary>
static class SafetensorsErrors
{
    const string Again = "save or download it again";

    // 1. The header as bytes.

    public static TiebreakException TooShort(string path, long length) =>
        new($"{path}: its {length} bytes are fewer than the 8 that say how long the header is; {Again}");

    public static TiebreakException HeaderTooLong(string path, ulong length, long limit) =>
        new($"{path}: not a safetensors file: it claims a header of {length} bytes, and the format allows {limit}; give a file saved as safetensors");

    public static TiebreakException HeaderBeyondFile(string path, ulong length, long size) =>
        new($"{path}: its header of {length} bytes goes beyond the end of the file of {size} bytes: the download may have stopped; {Again}");

    public static TiebreakException HeaderStart(string path) =>
        new($"{path}: not a safetensors file: its header does not begin with `{{`; give a file saved as safetensors");

    public static TiebreakException HeaderText(string path) => new($"{path}: its header is not text in UTF-8; {Again}");

    public static TiebreakException HeaderJson(string path, Exception cause) =>
        new($"{path}: its header is not JSON: {FileErrors.OneLine(cause.Message)}; {Again}", cause);

    // 2. What the header says.

    public static TiebreakException Metadata(string path, string problem) =>
        new($"{path}: `__metadata__` {problem}: the format allows names with texts alone; save it again with texts");

    public static TiebreakException DuplicateName(string path, string name) => new($"{path}: the header names `{name}` twice; save it again with one tensor of that name");

    public static TiebreakException Entry(string path, string tensor, string problem) => new($"{path}: tensor `{tensor}`: {problem}; {Again}");

    public static TiebreakException UnknownType(string path, string tensor, string type)
    {
        var reason = SafetensorsTypes.IsPacked(type) ? "packs several numbers into a byte, which is not supported" : $"is not known; known are {SafetensorsTypes.Known}";
        return new($"{path}: tensor `{tensor}`: dtype `{type}` {reason}; save it as one that is read, for instance BF16");
    }

    public static TiebreakException NegativeSize(string path, string tensor, long size) => Entry(path, tensor, $"its shape holds the negative size {size}");

    public static TiebreakException HugeSize(string path, string tensor, long size) =>
        new($"{path}: tensor `{tensor}`: an axis of {size} is longer than the {int.MaxValue} that are supported; split the tensor");

    public static TiebreakException CountOverflow(string path, string tensor) => Entry(path, tensor, "its shape has more numbers than fit in 64 bits");

    public static TiebreakException ReversedRange(string path, string tensor, long begin, long end) => Entry(path, tensor, $"its data_offsets {begin} to {end} end before they begin");

    public static TiebreakException NegativeRange(string path, string tensor, long begin) => Entry(path, tensor, $"its data_offsets begin at {begin}");

    public static TiebreakException WrongLength(string path, string tensor, Shape shape, SafetensorsType type, long needed, long given) =>
        Entry(path, tensor, $"a {type.NameOf()} of shape {shape} has {needed} bytes, but its data_offsets span {given}");

    public static TiebreakException BeyondData(string path, string tensor, long end, long data) =>
        Entry(path, tensor, $"its data_offsets end at {end}, but the file holds {data} bytes of data: the download may have stopped");

    public static TiebreakException Overlap(string path, string tensor, string other, long at) =>
        Entry(path, tensor, $"its data begins at {at}, inside that of `{other}`");

    public static TiebreakException Hole(string path, string tensor, long end, long begin) =>
        Entry(path, tensor, $"the {begin - end} bytes of data before it, from {end} on, belong to no tensor, which the format forbids");

    public static TiebreakException Trailing(string path, long end, long data) =>
        new($"{path}: the last {data - end} bytes belong to no tensor, which the format forbids; {Again}");

    public static TiebreakException NoTensors(string path) => new($"{path}: it holds no tensors; give a file with weights");

    public static TiebreakException NotFloat(string path, string tensor, SafetensorsType type) =>
        new($"{path}: tensor `{tensor}` is {type.NameOf()}, but weights are real numbers (F64, F32, F16, BF16, F8_E4M3, F8_E5M2); give the checkpoint before it was quantised");

    // 3. Several files.

    public static TiebreakException IndexJson(string path, Exception cause) => new($"{path}: the index is not JSON: {FileErrors.OneLine(cause.Message)}; {Again}", cause);

    public static TiebreakException IndexEntry(string path, string problem) => new($"{path}: the index {problem}; {Again}");

    public static TiebreakException IndexTooLong(string path, long length, long limit) =>
        new($"{path}: the index has {length} bytes, more than the {limit} that are read; is it another file?");

    public static TiebreakException ShardOutside(string path, string shard) =>
        new($"{path}: the index names the shard `{shard}`, which is not a file in its own folder; put all shards beside the index");

    public static TiebreakException ShardMissing(string path, string shard, string tensor, int others) =>
        new($"{path}: the shard `{shard}`, which holds `{tensor}`{(others > 0 ? $" and {others} more tensors" : "")}, is missing; download it beside the index");

    public static TiebreakException ShardUnlisted(string path, string shard) =>
        new($"{path}: the folder holds the shard `{shard}`, which the index does not name; remove it, or take the index that belongs to it");

    public static TiebreakException ShardLacks(string path, string shard, string tensor) =>
        new($"{path}: the index puts `{tensor}` in the shard `{shard}`, which does not hold it; take index and shards of one download");

    public static TiebreakException TensorUnlisted(string path, string shard, string tensor) =>
        new($"{path}: the shard `{shard}` holds `{tensor}`, which the index does not name; take index and shards of one download");

    public static TiebreakException TensorTwice(string path, string tensor, string shard, string other) =>
        new($"{path}: `{tensor}` is in the shards `{shard}` and `{other}`; keep one of them");

    public static TiebreakException TwoCheckpoints(string path) =>
        new($"{path}: the folder holds both model.safetensors and model.safetensors.index.json; name the one that is meant");

    public static TiebreakException NothingInFolder(string path, string wanted) =>
        new($"{path}: the folder holds no {wanted}; name the folder of a checkpoint, or a model file");

    // 4. Writing.

    public static TiebreakException CannotWrite(string path, Exception cause) => new($"{path}: cannot be written: {FileErrors.OneLine(cause.Message)}", cause);
}
