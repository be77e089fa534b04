using CsCheck;

namespace Tiebreak.Tests.Numbers;

/// <summary>Generators of a few given values.</summary>
static class Chosen
{
    public static Gen<T> From<T>(params T[] values) => Gen.Int[0, values.Length - 1].Select(index => values[index]);
}
