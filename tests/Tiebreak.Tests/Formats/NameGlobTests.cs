using CsCheck;
using Tiebreak.Formats;
using Xunit;

namespace Tiebreak.Tests.Formats;

public sealed class NameGlobTests
{
    [Theory]
    [InlineData("*", "", true)]
    [InlineData("", "", true)]
    [InlineData("", "a", false)]
    [InlineData("?", "", false)]
    [InlineData("fc?.weight", "fc1.weight", true)]
    [InlineData("fc?.weight", "fc12.weight", false)]
    [InlineData("*.weight", "layer.0.weight", true)]
    [InlineData("*.weight", "layer.0.weight_g", false)]
    [InlineData("a*b*c", "a-b-b-c", true)]
    [InlineData("a*b*c", "a-c-b", false)]
    [InlineData("[ab]", "a", false)]
    [InlineData("W", "w", false)]
    public void Stars_and_question_marks(string glob, string name, bool expected) => Assert.Equal(expected, NameGlob.Matches(glob, name));

    [Fact]
    public void Agrees_with_the_definition() =>
        Gen.Select(Gen.Char["ab*?"].Array[0, 8], Gen.Char["ab"].Array[0, 10]).Sample((glob, name) => NameGlob.Matches(new string(glob), new string(name)) == Defined(glob, name));

    static bool Defined(ReadOnlySpan<char> glob, ReadOnlySpan<char> name)
    {
        if (glob.Length == 0) return name.Length == 0;
        if (glob[0] == '*') return Defined(glob[1..], name) || (name.Length > 0 && Defined(glob, name[1..]));
        return name.Length > 0 && (glob[0] == '?' || glob[0] == name[0]) && Defined(glob[1..], name[1..]);
    }
}
