namespace Tiebreak.Formats;

/// <summary>What can be wrong with a file before anything is known of its format, one message an error: what, where and the remedy.</summary>
static class FileErrors
{
    const int NoSpace = 28, ReadOnly = 30, OverQuota = 122; // ENOSPC, EROFS, EDQUOT: on Unix an exception's HResult is the error number
    const int DiskFull = 112; // ERROR_DISK_FULL: on Windows its lower half is

    public static TiebreakException Missing(string path) => new($"{path}: there is no such file; check the path");

    public static TiebreakException IsFolder(string path) => new($"{path}: this is a folder, not a file; name the file inside it");

    public static TiebreakException Unreadable(string path, Exception cause) => new($"{path}: cannot be read: {OneLine(cause.Message)}", cause);

    public static TiebreakException Empty(string path) => new($"{path}: the file is empty; export or download the model again");

    /// <summary>What the system's own words do not say: which folder refused, and what to do.</summary>
    public static TiebreakException Unwritable(string path, Exception cause)
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(path)) is { Length: > 0 } above ? above : path;
        var why = cause switch
        {
            UnauthorizedAccessException => $"you have no permission to write into `{folder}`; name another folder, or change who may write there",
            DirectoryNotFoundException => $"the system makes no files in `{folder}`; name another folder",
            FileNotFoundException { FileName: { } made } when made.StartsWith(folder, StringComparison.Ordinal) => $"the system makes no files in `{folder}`; name another folder", // and not one that was to be copied
            PathTooLongException => "its name is too long; take a shorter one",
            IOException when (cause.HResult & 0xFFFF) is NoSpace or OverQuota or DiskFull => "there is no space left on the disk; make some, or name a place on another one",
            IOException when cause.HResult == ReadOnly => $"`{folder}` is read-only; name another folder",
            _ => $"{OneLine(cause.Message)}; name another place, or see to that first",
        };
        return new TiebreakException($"cannot write `{path}`: {why}", cause);
    }

    public static string OneLine(string text) => text.ReplaceLineEndings(" ").Trim();
}
