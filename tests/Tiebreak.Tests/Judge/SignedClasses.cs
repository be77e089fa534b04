using Tiebreak.Formats;
using Tiebreak.Refinement;

namespace Tiebreak.Tests.Judge;

/// <summary>Turns "these parameters have equal keys" into a numbered <see cref="Partition"/>.</summary>
static class SignedClasses
{
    /// <summary>One key, sign and first step a parameter, in the flat order; a null key is stuck.</summary>
    public static Partition Number(Model model, string?[] keys, int[] signs, int[] steps)
    {
        var classes = new Dictionary<string, (int Number, int Sign)>(StringComparer.Ordinal);
        var firstSteps = new List<int> { 0 };
        var flat = new int[keys.Length];
        for (var k = 0; k < keys.Length; k++)
        {
            if (keys[k] is not { } key) continue;
            if (!classes.TryGetValue(key, out var found))
            {
                classes.Add(key, found = (firstSteps.Count, signs[k]));
                firstSteps.Add(steps[k]);
            }

            flat[k] = found.Number * found.Sign * signs[k];
            firstSteps[found.Number] = Math.Min(firstSteps[found.Number], steps[k]);
        }

        var codes = new List<int[]>();
        var first = 0;
        foreach (var tensor in model.Parameters)
        {
            codes.Add(flat[first..(first + (int)tensor.Shape.Count)]);
            first += (int)tensor.Shape.Count;
        }

        return new Partition(codes, firstSteps);
    }

    /// <summary>The codes of all tensors one after the other.</summary>
    public static int[] Flat(this Partition partition) => [.. partition.Codes.SelectMany(tensor => tensor)];

    /// <summary>
    /// Whether everything that <paramref name="loose"/> keeps together (stuck, in lockstep, mirrored) is kept together by
    /// <paramref name="tight"/>, too: the set of points of the one lies in that of the other.
    /// </summary>
    public static bool Keeps(this Partition tight, Partition loose)
    {
        var (kept, asked) = (tight.Flat(), loose.Flat());
        var images = new Dictionary<int, int>();
        for (var k = 0; k < asked.Length; k++)
        {
            var image = kept[k] * Math.Sign(asked[k]);
            if (asked[k] == 0 ? kept[k] != 0 : !images.TryAdd(Math.Abs(asked[k]), image) && images[Math.Abs(asked[k])] != image) return false;
        }

        return true;
    }

    /// <summary>For messages.</summary>
    public static string Show(this Partition partition) =>
        $"{string.Join(" | ", partition.Codes.Select(tensor => string.Join(' ', tensor)))}, first steps {string.Join(' ', partition.FirstSteps.Skip(1))}";
}
