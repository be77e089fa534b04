using Tiebreak.Formats;
using Tiebreak.Refinement;

namespace Tiebreak.Proofs;

/// <summary>The classes of a partition as coordinates: where the first member of each stands, and with which value it starts.</summary>
sealed class ClassStarts
{
    public ClassStarts(Model model, Partition partition)
    {
        Model = model;
        Partition = partition;
        Tensors = new int[partition.Classes + 1];
        Places = new int[partition.Classes + 1];
        Magnitudes = new ulong[partition.Classes + 1];
        Signs = new sbyte[partition.Classes + 1];
        var values = new StartValues();
        Span<ulong> key = stackalloc ulong[1];
        var last = 0;
        for (var tensor = 0; tensor < partition.Codes.Count; tensor++)
        {
            var codes = partition.Codes[tensor];
            for (var place = 0; place < codes.Length; place++)
            {
                if (codes[place] <= last) continue; // classes count by first appearance, and their first member is positive
                last = codes[place];
                (Tensors[last], Places[last]) = (tensor, place);
                values.Read(model.Parameters[tensor].Start, place, key);
                Magnitudes[last] = StartValues.Magnitude(key[0]);
                Signs[last] = Magnitudes[last] == 0 ? (sbyte)0 : StartValues.IsNegative(key[0]) ? (sbyte)-1 : (sbyte)1;
            }
        }
    }

    public Model Model { get; }

    public Partition Partition { get; }

    /// <summary>For each class the tensor of its first member; index 0 is unused, here and below.</summary>
    public int[] Tensors { get; }

    /// <summary>For each class the position of its first member in that tensor.</summary>
    public int[] Places { get; }

    /// <summary>For each class a key of |θ⁰|, equal only for equal magnitudes.</summary>
    public ulong[] Magnitudes { get; }

    /// <summary>For each class the sign of its first member's start value: −1, 0 or 1.</summary>
    public sbyte[] Signs { get; }

    /// <summary>The first member of a class, as <c>fc1.weight[2,1]</c>.</summary>
    public string NameOf(int number)
    {
        var parameter = Model.Parameters[Tensors[number]];
        var indices = new int[parameter.Shape.Rank];
        var place = Places[number];
        for (var axis = indices.Length - 1; axis >= 0; axis--) (place, indices[axis]) = (place / parameter.Shape[axis], place % parameter.Shape[axis]);
        return indices.Length == 0 ? parameter.Name : $"{parameter.Name}[{string.Join(',', indices)}]";
    }
}
