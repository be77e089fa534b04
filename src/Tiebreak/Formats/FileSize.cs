namespace Tiebreak.Formats;

/// <summary>How large a file is; of a link the file it leads to, which is what will be read.</summary>
static class FileSize
{
    /// <summary>The size in bytes.</summary>
    /// <exception cref="IOException">There is no such file, or its links lead nowhere or in circles.</exception>
    public static long Of(string path)
    {
        var file = new FileInfo(path);
        return file.LinkTarget is null ? file.Length : ((FileInfo)file.ResolveLinkTarget(returnFinalTarget: true)!).Length;
    }
}
