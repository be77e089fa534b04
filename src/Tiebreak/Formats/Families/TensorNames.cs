namespace Tiebreak.Formats.Families;

/// <summary>Names of tensors as paths of modules.</summary>
static class TensorNames
{
    /// <summary>The name with a star for each number that is a part of its own: what layers and experts share.</summary>
    public static string Numberless(string name) => string.Join('.', name.Split('.').Select(part => part.Length > 0 && part.All(char.IsAsciiDigit) ? "*" : part));
}
