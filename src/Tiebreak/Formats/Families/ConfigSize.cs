namespace Tiebreak.Formats.Families;

/// <summary>A size that a configuration decides, and the words of the configuration it comes from, so that a misfit can say where it should have come from.</summary>
readonly record struct ConfigSize(int Value, string Text)
{
    /// <summary>Whether it is the number of tokens, whose key all families share.</summary>
    public bool IsVocabulary => Text == "vocab_size";

    public static implicit operator int(ConfigSize size) => size.Value;

    public static implicit operator ConfigSize(int value) => new(value, value.ToString(System.Globalization.CultureInfo.InvariantCulture));

    public static ConfigSize operator *(ConfigSize left, ConfigSize right) => new(checked(left.Value * right.Value), $"{Factor(left)} × {Factor(right)}");

    public static ConfigSize operator +(ConfigSize left, ConfigSize right) => new(checked(left.Value + right.Value), $"{left.Text} + {right.Text}");

    /// <summary>A whole part of it.</summary>
    public static ConfigSize operator /(ConfigSize left, ConfigSize right) => new(left.Value / right.Value, $"{Factor(left)} / {Factor(right)}");

    static string Factor(ConfigSize size) => size.Text.Contains(' ', StringComparison.Ordinal) ? $"({size.Text})" : size.Text;

    /// <inheritdoc/>
    public override string ToString() => Text;
}
