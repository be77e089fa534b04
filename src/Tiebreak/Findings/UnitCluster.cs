using Tiebreak.Formats;

namespace Tiebreak.Findings;

/// <summary>The slices of one tensor along one axis.</summary>
/// <param name="Tensor">Its number.</param>
/// <param name="Grouping">Which slices are alike.</param>
sealed record UnitPlace(int Tensor, SliceGrouping Grouping);

/// <summary>
/// The same units wherever they show: a layer's hidden units are rows of its weight, elements of its bias and columns of the next layer's
/// weight, and it takes one finding to say that they are alike.
/// </summary>
sealed class UnitCluster
{
    readonly List<UnitPlace> _others = [];

    UnitCluster(UnitPlace main) => Main = main;

    /// <summary>Where the units are made.</summary>
    public UnitPlace Main { get; }

    /// <summary>Where else they show.</summary>
    public IReadOnlyList<UnitPlace> Others => _others;

    /// <summary>Main and others.</summary>
    public IEnumerable<UnitPlace> Places => _others.Prepend(Main);

    /// <summary>Whether a group holds a unit and its negative, in any place.</summary>
    public bool IsMirrored(int group) => Places.Any(place => place.Grouping.Groups[group].IsMirrored);

    /// <summary>
    /// Joins equal groupings: the own axes of matrices and kernels are main; a vector joins the one whose name is most like its own, an input
    /// axis the nearest earlier one. What finds no partner stands for itself. Tensors in <paramref name="skipped"/> take no part.
    /// </summary>
    public static IReadOnlyList<UnitCluster> Of(Model model, Units units, IReadOnlySet<int> skipped)
    {
        var clusters = new List<UnitCluster>();
        var waiting = new List<UnitPlace>();
        for (var tensor = 0; tensor < model.Parameters.Count; tensor++)
        {
            if (skipped.Contains(tensor)) continue;
            foreach (var grouping in units.Groupings[tensor])
            {
                var isMain = model.Parameters[tensor].Shape.Rank > 1 && grouping.Axis == units.OwnAxis(tensor);
                if (isMain) clusters.Add(new UnitCluster(new UnitPlace(tensor, grouping)));
                else waiting.Add(new UnitPlace(tensor, grouping));
            }
        }

        foreach (var place in waiting)
        {
            var partners = clusters.Where(cluster => cluster.Main.Tensor != place.Tensor && cluster.Main.Grouping.SamePlaces(place.Grouping));
            var partner = model.Parameters[place.Tensor].Shape.Rank == 1 ? MostAlike(model, partners, place.Tensor) : Nearest(partners, place.Tensor);
            if (partner is null) clusters.Add(new UnitCluster(place));
            else partner._others.Add(place);
        }

        return [.. clusters.OrderBy(cluster => cluster.Main.Tensor).ThenBy(cluster => cluster.Main.Grouping.Axis)];
    }

    static UnitCluster? MostAlike(Model model, IEnumerable<UnitCluster> partners, int tensor) =>
        partners.OrderByDescending(cluster => NamePattern.CommonEnds([model.Parameters[tensor].Name, model.Parameters[cluster.Main.Tensor].Name]).Prefix)
            .ThenBy(cluster => Distance(cluster, tensor)).FirstOrDefault();

    static UnitCluster? Nearest(IEnumerable<UnitCluster> partners, int tensor) => partners.MinBy(cluster => Distance(cluster, tensor));

    /// <summary>Any earlier tensor is nearer than any later one.</summary>
    static int Distance(UnitCluster cluster, int tensor) =>
        cluster.Main.Tensor < tensor ? tensor - cluster.Main.Tensor : int.MaxValue / 2 + (cluster.Main.Tensor - tensor);
}
