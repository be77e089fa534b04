using System.Text.RegularExpressions;

namespace Tiebreak.Formats.Families;

/// <summary>Names of tensors as paths of modules.</summary>
static partial class TensorNames
{
    /// <summary>The name with a star for each number that is a part of its own: what layers and experts share.</summary>
    public static string Numberless(string name) => Numbers().Replace(name, "*");

    [GeneratedRegex(@"(?<=^|\.)\d+(?=\.|$)", RegexOptions.None, matchTimeoutMilliseconds: 5000)]
    private static partial Regex Numbers();
}
