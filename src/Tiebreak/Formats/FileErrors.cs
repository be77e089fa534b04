namespace Tiebreak.Formats;

/// <summary>What can be wrong with a file before anything is known of its format, one message an error: what, where and the remedy.</summary>
static class FileErrors
{
    public static TiebreakException Missing(string path) => new($"{path}: there is no such file; check the path");

    public static TiebreakException IsFolder(string path) => new($"{path}: this is a folder, not a file; name the file inside it");

    public static TiebreakException Unreadable(string path, Exception cause) => new($"{path}: cannot be read: {OneLine(cause.Message)}", cause);

    public static TiebreakException Empty(string path) => new($"{path}: the file is empty; export or download the model again");

    public static string OneLine(string text) => text.ReplaceLineEndings(" ").Trim();
}
